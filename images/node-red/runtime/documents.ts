/**
 * Node-RED's settings and sessions. They are read once, before Node-RED starts, because it never
 * recovers from a failed read of its sessions; and written behind, because it does not expect a
 * failed write (a login while the store is away would end the process).
 */
import type { Logger } from "./log.ts";
import { persist } from "./retry.ts";
import type { DocumentName, FlowStore } from "./store/types.ts";

/** One document, in memory and in the store. */
export interface StoredDocument {
  read(): object;
  /** Resolves at once; the newest value reaches the store as soon as it answers. */
  write(value: object): void;
}

/** When the last of Node-RED's login sessions ends; nothing of them needs to be kept longer. */
export function lastExpiry(sessions: object): Date | undefined {
  const ends = Object.values(sessions as Record<string, { expires?: number }>).map(
    ({ expires }) => expires ?? Number.POSITIVE_INFINITY,
  );
  const last = Math.max(...ends);
  return Number.isFinite(last) ? new Date(last) : undefined;
}

/**
 * Reads a document. In replicas writes stay in memory.
 * @param expiry when the store may forget a value; by default never.
 */
export async function openDocument(
  store: FlowStore,
  name: DocumentName,
  readOnly: boolean,
  log: Logger,
  expiry: (value: object) => Date | undefined = () => undefined,
): Promise<StoredDocument> {
  let value = ((await store.readDocument(name)) ?? {}) as object;
  let dirty = false;
  let writing = false;

  const flush = async () => {
    writing = true;
    while (dirty) {
      dirty = false;
      await persist(
        `${name} were not saved`,
        () => store.writeDocument(name, value, expiry(value)),
        log,
      );
    }
    writing = false;
  };

  return {
    read: () => value,
    write: (next) => {
      value = next;
      if (readOnly) return;
      dirty = true;
      if (!writing) void flush();
    },
  };
}
