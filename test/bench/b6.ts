import { ballast, endpoint, type FlowNode, tab } from "../support/flows.ts";
import { pause } from "../support/wait.ts";
import { type ClientReport, startClient } from "./client.ts";
import { Editor } from "./editor.ts";
import { interleave, percentile, pickAll, row, type Side } from "./measure.ts";
import { buildOurs, LARGE_MB, startOurs } from "./ours.ts";
import { startPeer } from "./peer.ts";
import { CORE, firstAnswer } from "./pinned.ts";
import { startStore } from "./store.ts";
import type { Benchmark, Row } from "./types.ts";

const PORTS = { editor: 28860, replica: 28861, peer: 28862 };
const NODES = 3100;
const DEPLOYS = 3;
const ROUNDS = 5;

const url = (port: number) => `http://127.0.0.1:${port}/red-nodes/steady`;

/** A large flow set of which a deploy changes one tab; the client asks the other one. */
const flows = (mark: string): FlowNode[] => [
  tab("steady"),
  ...endpoint("steady", "steady", "/steady", "steady"),
  tab("moving"),
  ...endpoint("moving", "moving", "/moving", mark),
  ...ballast("moving", NODES - 8),
];

/** Deploys while a client in a process of its own asks the untouched tab. */
async function round(port: number, deploy: (mark: string) => Promise<void>): Promise<ClientReport> {
  const client = await startClient(url(port));
  for (let count = 0; count < DEPLOYS; count += 1) {
    await deploy(`deploy-${Date.now()}`);
    await pause(600);
  }
  return client.stop();
}

/** The same client on the same server while nothing is deployed. */
async function idle(port: number): Promise<ClientReport> {
  const client = await startClient(url(port));
  await pause(2000);
  return client.stop();
}

export const b6: Benchmark = {
  id: "B6",
  what: "requests of an unchanged tab during a deploy, 3,100 nodes",
  async run() {
    await buildOurs();
    const store = await startStore();
    await store.seed("bench", flows("first"));
    const common = { uri: store.uri, database: "bench", memory: LARGE_MB };
    const runtimes = [
      await startOurs({
        ...common,
        role: "editor",
        name: "b6-editor",
        port: PORTS.editor,
        core: CORE.client,
      }),
      await startOurs({
        ...common,
        role: "replica",
        name: "b6-replica",
        port: PORTS.replica,
        core: CORE.server,
      }),
    ];
    const peer = await startPeer(PORTS.peer, CORE.server, flows("first"));
    try {
      await Promise.all([firstAnswer(url(PORTS.replica)), firstAnswer(url(PORTS.peer))]);
      const editor = await Editor.login(PORTS.editor);
      const seen = await interleave(ROUNDS, {
        limit: () => idle(PORTS.replica),
        peer: () => round(PORTS.peer, (mark) => peer.reload(flows(mark))),
        ours: () => round(PORTS.replica, (mark) => editor.deploy(flows(mark))),
      });
      return rows(seen);
    } finally {
      for (const runtime of [...runtimes, peer]) await runtime.stop();
      await store.close();
    }
  },
};

/** The limit is what the same client sees of ours while nothing is deployed. */
function rows(seen: Readonly<Record<Side, ClientReport[]>>): Row[] {
  const lost = { ...pickAll(seen, (report) => report.lost / DEPLOYS), limit: [0] };
  const p99 = pickAll(seen, (report) => percentile(report.latencies, 0.99));
  const waiting = "p99 during deploys (limit: ours when idle)";
  return [
    row("B6", "requests lost per deploy", "", lost, { of: "ours", atMost: 0 }),
    row("B6", waiting, "ms", p99, { of: "limit", atMost: 2 }),
  ];
}
