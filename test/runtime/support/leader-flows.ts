import { type FlowNode, tab } from "../../support/flows.ts";

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
      func: "msg.payload = { worker: cluster.workerId, fence: msg.fence, role: cluster.type }; return msg;",
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
    { id: "in", type: "http in", url: "/release", method: "get", wires: [["release"]], ...at },
    { id: "release", type: "release-cluster-leader", lockKey: "job", wires: [["out"]], ...at },
    { id: "out", type: "http response", wires: [], ...at },
  ];
}

/** `GET /<id>` answers what a message is behind a leader node, and the dot that its worker shows for it. */
export function asked(id: string, fields: object): FlowNode[] {
  const behind = (output: number): FlowNode => ({
    ...{ id: `${id}-${output}`, type: "function", outputs: 1, wires: [[`${id}-out`]], ...at },
    func: `const { isLeader, lockKey, fence } = msg;
      msg.payload = { output: ${output}, isLeader, lockKey, fence, dot: flow.get("${id}") };
      return msg;`,
  });
  return [
    { id: `${id}-in`, type: "http in", url: `/${id}`, method: "get", wires: [[id]], ...at },
    { id, type: "cluster-leader", wires: [[`${id}-1`], [`${id}-2`]], ...fields, ...at },
    behind(1),
    behind(2),
    { id: `${id}-out`, type: "http response", wires: [], ...at },
    { id: `${id}-dot`, type: "status", scope: [id], wires: [[`${id}-keep`]], ...at },
    {
      ...{ id: `${id}-keep`, type: "function", outputs: 0, wires: [], ...at },
      func: `const { fill, shape, text } = msg.status; flow.set("${id}", { fill, shape, text });`,
    },
  ];
}
