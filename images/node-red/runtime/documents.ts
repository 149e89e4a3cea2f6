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

/** Reads a document. In replicas writes stay in memory. */
export async function openDocument(
  store: FlowStore,
  name: DocumentName,
  readOnly: boolean,
  log: Logger,
): Promise<StoredDocument> {
  let value = ((await store.readDocument(name)) ?? {}) as object;
  let dirty = false;
  let writing = false;

  const flush = async () => {
    writing = true;
    while (dirty) {
      dirty = false;
      await persist(`${name} were not saved`, () => store.writeDocument(name, value), log);
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
