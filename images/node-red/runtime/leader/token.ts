/** What a lock holds: its lease in milliseconds, a number of its own, and the name of the worker that has it. */
import { randomUUID } from "node:crypto";

export function tokenOf(leaseMs: number, worker: string): string {
  return `${leaseMs} ${randomUUID()} ${worker}`;
}

/** The worker that has a lock. Tokens of versions before this one name nobody. */
export function workerOf(token: string): string {
  return token.split(" ")[2] ?? "unknown";
}
