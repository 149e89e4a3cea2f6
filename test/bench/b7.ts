import { Agent, get } from "node:http";
import { text } from "node:stream/consumers";
import { ballast, endpoint, type FlowNode, tab } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { Editor } from "./editor.ts";
import { interleave, median, row, type Side } from "./measure.ts";
import { buildOurs, LARGE_MB, type Runtime, type RuntimeOptions, startOurs } from "./ours.ts";
import { startSyncedPeer } from "./peer.ts";
import { CORE, firstAnswer } from "./pinned.ts";
import { type Store, startStore } from "./store.ts";
import type { Benchmark, Row } from "./types.ts";
import { startValkey, VALKEY } from "./valkey.ts";

const PORTS = {
  ours: { editor: 28870, replicas: [28871, 28872] },
  peer: { editor: 28875, replicas: [28873, 28874] },
};
/**
 * Our flow store, nodes of a flow set, saves of a round, seconds after which a save counts as never served, and what
 * one may take over the store's own write, in milliseconds.
 */
const CASES = [
  { kind: "mongodb", nodes: 100, saves: 4, patience: 4, atMost: 10 },
  { kind: "valkey", nodes: 100, saves: 3, patience: 4, atMost: 10 },
  { kind: "mongodb", nodes: 3100, saves: 2, patience: 8, atMost: 50 },
] as const;
type Case = (typeof CASES)[number];
const ROUNDS = 5;
/** Six runtimes at once, each with thousands of V8 contexts on a busy machine. */
const START_SECONDS = 100;
/**
 * If no save ever came through, on a busy machine: 42 saves of 4 s, 32 of 4 s and 22 of 8 s, each with its request,
 * are 10 minutes, and three starts of the six runtimes one minute each.
 */
const LIMIT_SECONDS = 780;
/** A replica that missed the change: the peer's do so when it comes while their stream opens again. */
const NEVER = Number.POSITIVE_INFINITY;

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
    // Plain Node-RED never answers what arrives while its flows start.
    const request = get(url(port), { agent, timeout: 300 }, (answer) => {
      text(answer).then(resolve, reject);
    });
    request.once("error", reject);
    request.once("timeout", () => request.destroy());
  });
}

/** Waits until every port answers with a mark. @throws when one does not in time. */
const allServe = (ports: readonly number[], mark: string, seconds: number) =>
  Promise.all(
    ports.map((port) =>
      until(`port ${port} serves ${mark}`, async () => (await ask(port)).includes(`"${mark}"`), {
        every: 2,
        seconds,
      }),
    ),
  );

/** Milliseconds from the start of a save until all replicas serve it, or `NEVER`. */
async function timed(
  ports: readonly number[],
  { nodes, patience }: Case,
  save: (flows: readonly FlowNode[]) => Promise<unknown>,
): Promise<number> {
  const mark = `save-${performance.now()}`;
  const next = flows(mark, nodes);
  const started = performance.now();
  await save(next);
  const served = allServe(ports, mark, patience).then(() => performance.now() - started);
  return served.catch(() => NEVER);
}

/** Where our flows are, and what writes one flow set there as the limit. */
interface OurStore {
  readonly options: Pick<RuntimeOptions, "uri" | "database" | "valkey">;
  write(flows: readonly FlowNode[]): Promise<number>;
  close(): Promise<void>;
}

async function openOurs(kind: Case["kind"], mongodb: Store, nodes: number): Promise<OurStore> {
  const first = flows("first", nodes);
  if (kind === "mongodb") {
    await mongodb.seed("bench", first);
    const options = { uri: mongodb.uri, database: "bench" };
    return { options, write: mongodb.write, close: async () => {} };
  }
  const valkey = await startValkey(CORE.client);
  await valkey.seed(first);
  return { options: { valkey: VALKEY }, write: valkey.write, close: valkey.close };
}

async function measure(one: Case): Promise<Row[]> {
  const { kind, nodes } = one;
  const mongodb = await startStore();
  const ours = await openOurs(kind, mongodb, nodes);
  await mongodb.seedSynced("synced", flows("first", nodes));
  const runtimes: Runtime[] = [];
  try {
    const common = { ...ours.options, core: "0-1", memory: LARGE_MB };
    const { editor: port, replicas } = PORTS.ours;
    runtimes.push(await startOurs({ ...common, role: "editor", name: "b7-editor", port }));
    for (const port of replicas) {
      runtimes.push(await startOurs({ ...common, role: "replica", name: `b7-${port}`, port }));
    }
    const store = { uri: mongodb.uri, database: "synced" };
    const peer = await startSyncedPeer(PORTS.peer.editor, "0-1", store);
    runtimes.push(peer);
    for (const port of PORTS.peer.replicas)
      runtimes.push(await startSyncedPeer(port, "0-1", store));
    const ports = [...PORTS.ours.replicas, PORTS.peer.editor, ...PORTS.peer.replicas];
    for (const port of ports) await firstAnswer(url(port), START_SECONDS);
    const editor = await Editor.login(PORTS.ours.editor);
    return await rounds(one, {
      ours: () => timed(PORTS.ours.replicas, one, (next) => editor.deploy(next)),
      peer: () => timed(PORTS.peer.replicas, one, (next) => peer.deploy(next)),
      limit: () => ours.write(flows("limit", nodes)),
    });
  } finally {
    for (const runtime of runtimes) await runtime.stop();
    await ours.close();
    await mongodb.close();
  }
}

/** Saves in turns, of which the first does not count; the limit is the store's own write of the same flow set. */
async function rounds(
  { kind, nodes, saves, atMost }: Case,
  sides: Readonly<Record<Side, () => Promise<number>>>,
): Promise<Row[]> {
  const values = await interleave(ROUNDS * saves, sides);
  const write = median(values.limit);
  const own = (all: readonly number[]) => all.map((ms) => ms - write);
  const over = {
    ours: own(values.ours),
    limit: values.limit,
    // The peer's flows are in MongoDB in every case: Valkey's write is no part of its time.
    ...(kind === "mongodb" && { peer: own(values.peer) }),
  };
  const worst = (all: readonly number[]) =>
    Array.from({ length: ROUNDS }, (_, round) =>
      Math.max(...all.slice(round * saves, (round + 1) * saves)),
    );
  const slowest = {
    ours: worst(values.ours),
    peer: worst(values.peer),
    limit: worst(values.limit),
  };
  const missed = (all: readonly number[]) => [all.filter((ms) => ms === NEVER).length];
  const lost = { ours: missed(values.ours), peer: missed(values.peer), limit: [0] };
  const name = `save → 2 replicas serve, ${nodes} nodes${kind === "valkey" ? " in Valkey" : ""}`;
  return [
    row("B7", name, "ms", values),
    row("B7", `${name}, over the store's write`, "ms", over, { of: "ours", atMost }),
    row("B7", `${name}, slowest of ${saves}`, "ms", slowest),
    row("B7", `${name}, of ${ROUNDS * saves} never served`, "", lost, { of: "ours", atMost: 0 }),
  ];
}

export const b7: Benchmark = {
  id: "B7",
  what: "a save in the editor until all replicas serve it",
  limitSeconds: LIMIT_SECONDS,
  async run() {
    await buildOurs();
    const found: Row[] = [];
    for (const one of CASES) found.push(...(await measure(one)));
    return found;
  },
};
