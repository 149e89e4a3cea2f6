/** A copy of the whole shared context in memory, for reads that cannot wait. */
import { type Logger, reasonOf } from "../log.ts";
import { decode, encode } from "./encoding.ts";
import type { Exchange, News } from "./exchange.ts";
import * as operation from "./operations.ts";
import { fieldValue } from "./patches.ts";
import { type ContextKey, edit, emptyFor } from "./path.ts";

/** A field in the copy. */
interface Entry {
  /** undefined: the field is not there. */
  value: unknown;
  /** Own changes that are applied here and not answered yet. */
  pending: number;
  /** Changed elsewhere since it was read. */
  stale: boolean;
  reading: Promise<void> | undefined;
}

export interface MirrorOptions {
  readonly exchange: Exchange;
  /** Age from which on nothing is read any more, in milliseconds. */
  readonly staleMs: number;
  readonly log: Logger;
}

/** Fields that one call reads. */
const AT_ONCE = 100;

export class Mirror {
  private readonly options: MirrorOptions;
  private readonly scopes = new Map<string, Map<string, Entry>>();
  /** The copy holds at least what the store held at this time of the own monotonic clock. */
  private asOf = Number.NEGATIVE_INFINITY;
  private complete = false;
  /** Grows with each interruption: a load that began before the last one is worth nothing. */
  private generation = 0;

  constructor(options: MirrorOptions) {
    this.options = options;
  }

  /** A field's value: a copy, which its reader may change. @throws when the copy is too old. */
  read(scope: string, field: string): unknown {
    this.checkAge();
    return copyOf(this.scopes.get(scope)?.get(field)?.value);
  }

  /** Names of a scope's fields. @throws when the copy is too old. */
  keys(scope: string): string[] {
    this.checkAge();
    const entries = [...(this.scopes.get(scope) ?? [])];
    return entries.flatMap(([field, { value }]) => (value === undefined ? [] : [field]));
  }

  /** False when announcements may have been missed since the last load. */
  get isComplete(): boolean {
    return this.complete;
  }

  /** Announcements may have been missed, or a field could not be read. */
  interrupt(): void {
    this.complete = false;
    this.generation += 1;
  }

  /** Reads everything. Called when announcements arrive again. Incomplete when it was interrupted. */
  async load(): Promise<void> {
    const begin = performance.now();
    const { generation } = this;
    const names = await this.listFields();
    for (let at = 0; at < names.length; at += AT_ONCE) {
      const some = names.slice(at, at + AT_ONCE);
      await Promise.all(some.map(([scope, field]) => this.refresh(scope, field)));
    }
    if (generation !== this.generation) return;
    this.complete = true;
    this.asOf = Math.max(this.asOf, begin);
  }

  /** Takes note of an announcement. */
  hear({ from, at, changed }: News): void {
    const own = from === this.options.exchange.session;
    if (own && this.complete) this.asOf = Math.max(this.asOf, at);
    for (const [scope, field] of changed) {
      // Own changes of fields are in the copy already.
      if (own && field !== "") continue;
      const fields = field === "" ? [...(this.scopes.get(scope)?.keys() ?? [])] : [field];
      for (const name of fields) void this.refresh(scope, name);
    }
  }

  /** Applies an own change at once. The result is called when the store has answered. */
  anticipate(scope: string, key: ContextKey, value: unknown): (error?: unknown) => void {
    const entry = this.entry(scope, key.field);
    entry.pending += 1;
    const stored = value === undefined ? undefined : decode(encode(value));
    if (key.rest.length === 0) entry.value = stored;
    else if (entry.value !== undefined || stored !== undefined) {
      const before = entry.value === undefined ? emptyFor(key) : entry.value;
      entry.value = edit(key, before, stored);
    }
    return (error) => {
      entry.pending -= 1;
      entry.stale ||= error !== undefined;
      if (entry.stale) void this.refresh(scope, key.field);
      else this.forget(scope, key.field, entry);
    };
  }

  private checkAge(): void {
    const { staleMs } = this.options;
    if (performance.now() - this.asOf <= staleMs) return;
    if (this.asOf === Number.NEGATIVE_INFINITY) {
      throw new Error("the shared context is not loaded yet: read it with a callback");
    }
    const seconds = Math.round((performance.now() - this.asOf) / 1000);
    throw new Error(
      `the copy of the shared context is ${seconds} s old, the limit is ${staleMs / 1000} s`,
    );
  }

  private entry(scope: string, field: string): Entry {
    const fields = this.scopes.get(scope) ?? new Map<string, Entry>();
    this.scopes.set(scope, fields);
    const entry = fields.get(field) ?? {
      value: undefined,
      ...{ pending: 0, stale: false, reading: undefined },
    };
    fields.set(field, entry);
    return entry;
  }

  /** Keeps nothing of a field that is not there and that nobody is at work on. */
  private forget(scope: string, field: string, entry: Entry): void {
    const { value, pending, stale, reading } = entry;
    if (value !== undefined || pending > 0 || stale || reading) return;
    const fields = this.scopes.get(scope);
    fields?.delete(field);
    if (fields?.size === 0) this.scopes.delete(scope);
  }

  /** Fields of the store, and those that are in the copy and may be gone. */
  private async listFields(): Promise<[string, string][]> {
    const { exchange } = this.options;
    const [stored] = (await exchange.run([operation.scopes()])) as [Buffer[]];
    const names = new Set([...stored.map(String), ...this.scopes.keys()]);
    const lists = [...names].map(async (scope) => {
      const [fields] = (await exchange.run([operation.keys(scope)])) as [Buffer[]];
      const known = this.scopes.get(scope)?.keys() ?? [];
      const all = new Set([...fields.map(String), ...known]);
      return [...all].map((field) => [scope, field] as [string, string]);
    });
    return (await Promise.all(lists)).flat();
  }

  /** Reads a field anew; while own changes are on their way, after them. */
  private async refresh(scope: string, field: string): Promise<void> {
    const entry = this.entry(scope, field);
    entry.stale = true;
    if (entry.pending > 0) return;
    entry.reading ??= this.readUntilFresh(entry, scope, field);
    await entry.reading;
  }

  private async readUntilFresh(entry: Entry, scope: string, field: string): Promise<void> {
    try {
      while (entry.stale && entry.pending === 0) await this.readInto(entry, scope, field);
    } catch (error) {
      this.interrupt();
      this.options.log.debug("the shared context was not read", { reason: reasonOf(error) });
    } finally {
      entry.reading = undefined;
      this.forget(scope, field, entry);
    }
  }

  private async readInto(entry: Entry, scope: string, field: string): Promise<void> {
    entry.stale = false;
    const [answer] = await this.options.exchange.run([operation.get(scope, field)]);
    // An own change came in between: what it left here is newer.
    if (entry.pending > 0) {
      entry.stale = true;
      return;
    }
    const stored = operation.fieldOf(answer);
    entry.value = stored && fieldValue(stored);
  }
}

/** Values are what JSON can hold. */
function copyOf<T>(value: T): T {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const copy: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(value)) copy[name] = copyOf(part);
  return copy as T;
}
