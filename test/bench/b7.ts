import { Agent, get } from "node:http";
import { text } from "node:stream/consumers";
import { ballast, endpoint, type FlowNode, tab } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { Editor } from "./editor.ts";
import { median, percentile, row } from "./measure.ts";
import { buildOurs, LARGE_MB, startOurs } from "./ours.ts";
import { startPeer } from "./peer.ts";
import { firstAnswer } from "./pinned.ts";
import { startStore } from "./store.ts";
import type { Benchmark, Row } from "./types.ts";

const PORTS = { editor: 28870, ours: [28871, 28872], peer: [28873, 28874] };
/** Nodes of a flow set, and what a save may take over the store's own write, in milliseconds. */
const SIZES = [
  { nodes: 100, atMost: 10 },
  { nodes: 3100, atMost: 50 },
] as const;
const SAVES = 9;

const url = (port: number) => `http://127.0.0.1:${port}/red-nodes/moving`;

const flows = (mark: string, nodes: number): FlowNode[] => [
  tab("moving"),
  ...endpoint("moving", "moving", "/moving", mark),
  ...ballast("moving", nodes - 4),
];

const agent = new Agent({ keepAlive: true });

/** An answer's text; asked lightly, because the client shares the machine with what it measures. */
function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url(port), { agent, timeout: 5000 }, (answer) => {
      text(answer).then(resolve, reject);
    });
    request.once("error", reject);
    request.once("timeout", () => request.destroy());
  });
}

/** Waits until every port answers with a mark. */
const allServe = (ports: readonly number[], mark: string) =>
  Promise.all(
    ports.map((port) =>
      until(`port ${port} serves ${mark}`, async () => (await ask(port)).includes(`"${mark}"`), {
        every: 2,
      }),
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

async function measure({ nodes, atMost }: (typeof SIZES)[number]): Promise<Row[]> {
  const store = await startStore();
  await store.seed("bench", flows("first", nodes));
  const common = { uri: store.uri, database: "bench", core: "0-1", memory: LARGE_MB } as const;
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
    const values = { ours: [] as number[], peer: [] as number[], limit: [] as number[] };
    for (let save = 0; save <= SAVES; save += 1) {
      const peer = await timed(PORTS.peer, nodes, reload);
      const our = await timed(PORTS.ours, nodes, (next) => editor.deploy(next));
      const write = await store.write(flows("limit", nodes));
      if (save === 0) continue;
      values.limit.push(write);
      values.peer.push(peer);
      values.ours.push(our);
    }
    return rows(nodes, values, atMost);
  } finally {
    for (const runtime of [...ours, ...peers]) await runtime.stop();
    await store.close();
  }
}

type Values = Readonly<Record<"ours" | "peer" | "limit", number[]>>;

/** The limit is the store's own write of the same flow set. */
function rows(nodes: number, values: Values, atMost: number): Row[] {
  const name = `save → 2 replicas serve, ${nodes} nodes`;
  const p99 = (of: readonly number[]) => [percentile(of, 0.99)];
  const worst = { ours: p99(values.ours), peer: p99(values.peer), limit: p99(values.limit) };
  const write = median(values.limit);
  const over = (of: readonly number[]) => of.map((ms) => ms - write);
  const beyond = { ours: over(values.ours), peer: over(values.peer), limit: values.limit };
  return [
    row("B7", name, "ms", values),
    row("B7", `${name}, over the store's write`, "ms", beyond, { of: "ours", atMost }),
    row("B7", `${name}, p99`, "ms", worst),
  ];
}

export const b7: Benchmark = {
  id: "B7",
  what: "a save in the editor until all replicas serve it",
  async run() {
    await buildOurs();
    const found: Row[] = [];
    for (const size of SIZES) found.push(...(await measure(size)));
    return found;
  },
};
