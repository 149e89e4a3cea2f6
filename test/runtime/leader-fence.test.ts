import { afterAll, beforeAll, expect, it } from "vitest";
import { type FlowNode, tab } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { openValkey, type StoreLab } from "./support/labs.ts";
import { type Runtime, start } from "./support/runtime.ts";
import { Sink } from "./support/sink.ts";
import { openStoreOf } from "./support/stores.ts";

const sink = new Sink();
const workers = new Map<string, Runtime>();
let lab: StoreLab;

beforeAll(async () => {
  const url = await sink.open();
  lab = await openValkey();
  const store = openStoreOf(lab.access);
  await store.connect(AbortSignal.timeout(20_000));
  const meta = { credentials: "{}", user: null, digest: "", writeId: "leaders" };
  await store.commit(0, { flows: JSON.stringify(lateFlows(url)), ...meta });
  await store.close();
  const join = async (worker: string) =>
    workers.set(worker, await start({ ...lab.access, role: "replica", worker }));
  await Promise.all(["r0", "r1"].map(join));
});
afterAll(async () => {
  await Promise.all([...workers.values()].map((runtime) => runtime.remove()));
  await Promise.all([sink.close(), lab?.close()]);
});

/** Who leads decides to act ten times a second, and acts a while later. */
function lateFlows(url: string): FlowNode[] {
  const at = { z: "t", x: 1, y: 1 };
  const func = "msg.payload = { worker: cluster.workerId, fence: msg.fence }; return msg;";
  return [
    tab("t"),
    {
      ...{ id: "tick", type: "inject", props: [{ p: "payload" }], payloadType: "date" },
      ...{ repeat: "0.1", once: true, onceDelay: 0.1, wires: [["lead"]], ...at },
    },
    { id: "lead", type: "cluster-leader", lockKey: "job", wires: [["later"], []], ...at },
    {
      ...{ id: "later", type: "delay", pauseType: "delay", timeout: "1", timeoutUnits: "seconds" },
      ...{ wires: [["report"]], ...at },
    },
    { id: "report", type: "function", outputs: 1, func, wires: [["post"]], ...at },
    { id: "post", type: "http request", method: "POST", ret: "txt", url, wires: [], ...at },
  ];
}

it("refuses what a leader had begun and did after another had taken over", async () => {
  const { worker: old, fence } = await until("somebody leads", () => sink.last);
  const runtime = workers.get(old) as Runtime;
  await runtime.pause();
  const next = await until(
    "another leads",
    () => sink.accepted.find(({ worker }) => worker !== old),
    { every: 20 },
  );
  expect(next.fence).toBeGreaterThan(fence);
  expect(sink.refused).toEqual([]);
  await runtime.resume();
  await until("it does what it had begun", () => sink.refused.length > 0);
  for (const deed of sink.refused) expect(deed).toMatchObject({ worker: old, fence });
  const since = sink.accepted.filter(({ at }) => at >= next.at);
  expect(new Set(since.map(({ worker }) => worker))).toEqual(new Set([next.worker]));
});
