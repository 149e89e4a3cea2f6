/** Counters whose numbers never come twice: fencing numbers of leaders. */
import type { Db } from "mongodb";
import { upsert } from "./mongodb-upsert.ts";

/** A number counts when a majority has it, so that no failover takes it back. */
export async function nextFence(db: Db, name: string): Promise<number> {
  const fences = db.collection<{ _id: string; value: number }>("fences");
  const majority = { w: "majority" } as const;
  return (await upsert(fences, { _id: name }, { $inc: { value: 1 } }, majority)).value;
}
