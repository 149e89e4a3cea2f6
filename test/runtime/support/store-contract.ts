import { randomUUID } from "node:crypto";
import type { FlowStore, NewFlowSet } from "../../../images/node-red/runtime/store/types.ts";

/** What a part of the flow store's contract is tried on: an empty store for each test. */
export interface Given {
  store(): FlowStore;
  /** Another one on the same data, which is closed after the test. */
  open(): Promise<FlowStore>;
}

/** A small flow set that a mark tells from others. */
export const next = (mark: string): NewFlowSet => ({
  flows: `[{"id":"${mark}","type":"tab"}]`,
  credentials: `{"$":"${mark}"}`,
  user: "somebody",
  digest: "d",
  writeId: randomUUID(),
});
