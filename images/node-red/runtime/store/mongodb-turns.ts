/** The turn to restart everything: one document, with the server's own time. */
import { type Db, type Document, MongoServerError } from "mongodb";

const DUPLICATE_KEY = 11000;

interface TurnDocument {
  _id: "restart";
  worker: string;
  until: Date;
}

const turnsOf = (db: Db) => db.collection<TurnDocument>("turns");

/** Takes the turn, or keeps it. @returns who has it. */
export async function takeTurn(db: Db, worker: string, ttlMs: number): Promise<string> {
  const mine = { $literal: worker };
  const free = {
    $or: [{ $eq: ["$worker", mine] }, { $lte: [{ $ifNull: ["$until", "$$NOW"] }, "$$NOW"] }],
  };
  const whenFree = (value: Document, otherwise: string) => ({ $cond: [free, value, otherwise] });
  const next = {
    worker: whenFree(mine, "$worker"),
    until: whenFree({ $add: ["$$NOW", ttlMs] }, "$until"),
  };
  const options = { upsert: true, returnDocument: "after" } as const;
  const take = () => turnsOf(db).findOneAndUpdate({ _id: "restart" }, [{ $set: next }], options);
  const turn = await take().catch((error) => {
    // Two made the document at once: now it is there.
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return take();
    throw error;
  });
  return turn?.worker ?? "";
}

export async function endTurn(db: Db, worker: string): Promise<void> {
  await turnsOf(db).deleteOne({ _id: "restart", worker });
}
