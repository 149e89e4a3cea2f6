/** The turn to restart everything: one document, with the server's own time. */
import type { Db, Document } from "mongodb";
import { upsert } from "./mongodb-upsert.ts";

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
  return (await upsert(turnsOf(db), { _id: "restart" }, [{ $set: next }])).worker;
}

export async function endTurn(db: Db, worker: string): Promise<void> {
  await turnsOf(db).deleteOne({ _id: "restart", worker });
}
