import { ballast, endpoint, type FlowNode, tab } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { Editor } from "./editor.ts";
import { percentile, row } from "./measure.ts";
import { buildOurs, startOurs } from "./ours.ts";
import { startPeer } from "./peer.ts";
import { firstAnswer } from "./pinned.ts";
import { startStore } from "./store.ts";
import type { Benchmark, Row } from "./types.ts";

const PORTS = { editor: 28870, ours: [28871, 28872], peer: [28873, 28874] };
const SIZES = [100, 3100];
const SAVES = 9;

const url = (port: number) => `http://127.0.0.1:${port}/red-nodes/moving`;

const flows = (mark: string, nodes: number): FlowNode[] => [
  tab("moving"),
  ...endpoint("moving", "moving", "/moving", mark),
  ...ballast("moving", nodes - 4),
];

/** Waits until every port answers with a mark. */
const allServe = (ports: readonly number[], mark: string) =>
  Promise.all(
    ports.map((port) =>
      until(
        `port ${port} serves ${mark}`,
        async () => {
          const answer = await fetch(url(port), { signal: AbortSignal.timeout(5000) });
          return (await answer.text()).includes(`"${mark}"`);
        },
        { every: 1 },
      ),
    ),
  );

/** Milliseconds from the start of a save until all replicas serve it. */
async function timed(
  ports: readonly number[],
  nodes: number,
  save: (flows: readonly FlowNode[]) => Promise<unknown>,
): Promise<number> {
  const mark = `save-${performance.now()}`;
  const next = flows(mark, nodes);
  const started = performance.now();
  await save(next);
  await allServe(ports, mark);
  return performance.now() - started;
}

async function measure(nodes: number): Promise<Row[]> {
  const store = await startStore();
  await store.seed("bench", flows("first", nodes));
  const common = { uri: store.uri, database: "bench", core: "0-1" } as const;
  const ours = [
    await startOurs({ ...common, role: "editor", name: "b7-editor", port: PORTS.editor }),
  ];
  for (const port of PORTS.ours) {
    ours.push(await startOurs({ ...common, role: "replica", name: `b7-${port}`, port }));
  }
  const peers = await Promise.all(
    PORTS.peer.map((port) => startPeer(port, "0-1", flows("first", nodes))),
  );
  const reload = (next: readonly FlowNode[]) => Promise.all(peers.map((one) => one.reload(next)));
  try {
    await Promise.all([...PORTS.ours, ...PORTS.peer].map((port) => firstAnswer(url(port))));
    const editor = await Editor.login(PORTS.editor);
    const values = { ours: [] as number[], peer: [] as number[] };
    for (let save = 0; save <= SAVES; save += 1) {
      const peer = await timed(PORTS.peer, nodes, reload);
      const our = await timed(PORTS.ours, nodes, (next) => editor.deploy(next));
      if (save === 0) continue;
      values.peer.push(peer);
      values.ours.push(our);
    }
    return rows(nodes, values);
  } finally {
    for (const runtime of [...ours, ...peers]) await runtime.stop();
    await store.close();
  }
}

/** The limit is the signal alone: 0.1 ms, measured with an empty subscriber. */
const SIGNAL = [0.1];

function rows(nodes: number, values: { ours: number[]; peer: number[] }): Row[] {
  const p99 = (of: readonly number[]) => [percentile(of, 0.99)];
  const worst = { ours: p99(values.ours), peer: p99(values.peer), limit: SIGNAL };
  return [
    row("B7", `save → 2 replicas serve, ${nodes} nodes`, "ms", { ...values, limit: SIGNAL }),
    row("B7", `save → 2 replicas serve, ${nodes} nodes, p99`, "ms", worst),
  ];
}

export const b7: Benchmark = {
  id: "B7",
  what: "a save in the editor until all replicas serve it",
  async run() {
    await buildOurs();
    const found: Row[] = [];
    for (const nodes of SIZES) found.push(...(await measure(nodes)));
    return found;
  },
};
