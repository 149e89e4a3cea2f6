/**
 * Package sets in the flow store, by digest. One document: few sets, written by the one editor, compressed;
 * those that no kept revision names are left out.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import type { FlowStore } from "../store/types.ts";
import { digestOf, NO_PACKAGES, type PackageSet } from "./set.ts";

/** Digest -> compressed set. */
type StoredSets = Record<string, string>;

const pack = (set: PackageSet) => gzipSync(JSON.stringify(set)).toString("base64");
const unpack = (text: string) =>
  JSON.parse(gunzipSync(Buffer.from(text, "base64")).toString()) as PackageSet;

/** The sets of one flow store. */
export class PackageSets {
  private readonly store: FlowStore;
  private readonly known = new Set<string>([NO_PACKAGES]);

  constructor(store: FlowStore) {
    this.store = store;
  }

  private async readAll(): Promise<StoredSets> {
    return ((await this.store.readDocument("packages")) ?? {}) as StoredSets;
  }

  /** @throws when the store has no such set. */
  async read(digest: string): Promise<PackageSet> {
    const stored = (await this.readAll())[digest];
    if (stored === undefined) throw new Error(`the flow store has no package set ${digest}`);
    return unpack(stored);
  }

  /** Stores a set unless it is there; returns its digest. */
  async keep(set: PackageSet | null): Promise<string> {
    const digest = digestOf(set);
    if (set === null || this.known.has(digest)) return digest;
    const stored = await this.readAll();
    if (stored[digest] === undefined) {
      const named = new Set((await this.store.history()).map((revision) => revision.digest));
      const kept = Object.entries(stored).filter(
        ([name]) => named.has(name) || this.known.has(name),
      );
      await this.store.writeDocument("packages", {
        ...Object.fromEntries(kept),
        [digest]: pack(set),
      });
    }
    this.known.add(digest);
    return digest;
  }
}
