import { answering, type FlowNode, tab } from "../../support/flows.ts";

const at = { z: "t", x: 1, y: 1 };
/** A silent leader is followed after this, in milliseconds, by its node's own TTL. */
export const TTL_MS = 10_000;
/** Between two reports of a leader, in milliseconds: silences are longer by up to that. */
export const PULSE_MS = 5;

/** A job that runs on every worker, again and again, and goes on behind a leader node. */
function job(name: string, everyMs: number, lockTTL: number, outputs: string[][]): FlowNode[] {
  return [
    {
      ...{ id: `${name}-tick`, type: "inject", props: [{ p: "payload" }], payloadType: "date" },
      ...{ repeat: String(everyMs / 1000), once: true, onceDelay: 0.1, wires: [[name]], ...at },
    },
    { id: name, type: "cluster-leader", lockKey: "job", lockTTL, wires: outputs, ...at },
  ];
}

/** The leader reports to the sink with its fencing number, followers now and then without one. */
export function leaderFlows(sink: string, lockTTL = TTL_MS / 1000): FlowNode[] {
  const reporter = (id: string) =>
    ({
      ...{ id, type: "function", outputs: 1, wires: [["post"]], ...at },
      func: `const { leaderHost, followerHost, fence } = msg;
        msg.payload = { worker: followerHost ?? leaderHost, fence }; return msg;`,
    }) as FlowNode;
  return [
    tab("t"),
    ...job("lead", PULSE_MS, lockTTL, [["yes"], []]),
    ...job("follow", 500, lockTTL, [[], ["no"]]),
    reporter("yes"),
    reporter("no"),
    { id: "post", type: "http request", method: "POST", ret: "txt", url: sink, wires: [], ...at },
    ...asked("asked", { lockKey: "job", lockTTL }),
    ...asked("plain", {}),
    ...releasing("release", { lockKey: "job" }),
  ];
}

/** What the nodes of a node-red-cluster name as their server. */
export const SERVER: FlowNode = {
  ...{ id: "server", type: "valkey-config", name: "Main", host: "valkey", port: "6379" },
  ...{ database: "0", credentials: { password: "the server's" } },
};

/** What a worker answers for {@link asked}. */
export interface Answer {
  readonly output: number;
  readonly isLeader: boolean;
  readonly leaderHost: string | null;
  readonly followerHost?: string;
  readonly lockKey: string;
  readonly fence?: number;
  readonly dot?: Dot;
}

/** What a node shows below itself. */
export interface Dot {
  readonly fill: string;
  readonly shape: string;
  readonly text: string;
}

/** Keeps the dot that the worker shows for a node where functions find it. */
function keptDot(id: string): FlowNode[] {
  return [
    { id: `${id}-dot`, type: "status", scope: [id], wires: [[`${id}-keep`]], ...at },
    {
      ...{ id: `${id}-keep`, type: "function", outputs: 0, wires: [], ...at },
      func: `const { fill, shape, text } = msg.status; flow.set("${id}", { fill, shape, text });`,
    },
  ];
}

/** `GET /<id>` answers what a message is behind a leader node, and the dot that its worker shows for it. */
export function asked(id: string, fields: object): FlowNode[] {
  const behind = (output: number): FlowNode => ({
    ...{ id: `${id}-${output}`, type: "function", outputs: 1, wires: [[`${id}-out`]], ...at },
    func: `const { isLeader, leaderHost, followerHost, lockKey, fence } = msg;
      const dot = flow.get("${id}");
      msg.payload = { output: ${output}, isLeader, leaderHost, followerHost, lockKey, fence, dot };
      return msg;`,
  });
  return [
    { id: `${id}-in`, type: "http in", url: `/${id}`, method: "get", wires: [[id]], ...at },
    { id, type: "cluster-leader", wires: [[`${id}-1`], [`${id}-2`]], ...fields, ...at },
    behind(1),
    behind(2),
    { id: `${id}-out`, type: "http response", wires: [], ...at },
    ...keptDot(id),
  ];
}

/** `GET /<id>` hands over where its worker leads, and answers what the message says of it; `/<id>-dot` the dot. */
export function releasing(id: string, fields: object): FlowNode[] {
  const [input, answer, output] = answering(
    "t",
    `${id}-asked`,
    `/${id}`,
    `const { lockReleased, releasedBy, currentLeader, lockKey } = msg;
     msg.payload = { lockReleased, releasedBy, currentLeader, lockKey };`,
  );
  return [
    { ...input, wires: [[id]] },
    { id, type: "release-cluster-leader", wires: [[answer.id]], ...fields, ...at },
    ...[answer, output, ...keptDot(id)],
    ...answering("t", `${id}-shows`, `/${id}-dot`, `msg.payload = flow.get("${id}");`),
  ];
}
