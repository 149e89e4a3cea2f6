/** Counters whose numbers never come twice: fencing numbers of leaders. */
import type { Db } from "mongodb";

/** A number counts when a majority has it, so that no failover takes it back. */
export async function nextFence(db: Db, name: string): Promise<number> {
  const fences = db.collection<{ _id: string; value: number }>("fences");
  const next = await fences.findOneAndUpdate(
    { _id: name },
    { $inc: { value: 1 } },
    { upsert: true, returnDocument: "after", writeConcern: { w: "majority" } },
  );
  if (next === null) throw new Error(`no fencing number for ${name}`);
  return next.value;
}
