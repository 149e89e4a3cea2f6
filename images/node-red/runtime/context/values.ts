/** Values of the shared context, read from and written to the store. */
import type { Logger } from "../log.ts";
import { encode } from "./encoding.ts";
import type { Exchange } from "./exchange.ts";
import { createFolder } from "./folding.ts";
import type { Mirror } from "./mirror.ts";
import * as operation from "./operations.ts";
import { encodePatch, fieldValue } from "./patches.ts";
import { type ContextKey, emptyFor, pick } from "./path.ts";

export interface SharedValuesOptions {
  readonly exchange: Exchange;
  /** The copy for reads without a callback, which own changes reach at once; without it there are none. */
  readonly mirror?: Mirror;
  readonly log: Logger;
}

/** All methods throw in time when the store is away. */
export class SharedValues {
  private readonly exchange: Exchange;
  private readonly mirror: Mirror | undefined;
  private readonly fold: ReturnType<typeof createFolder>;
  private patches = 0;

  constructor({ exchange, mirror, log }: SharedValuesOptions) {
    this.exchange = exchange;
    this.mirror = mirror;
    this.fold = createFolder(exchange, log);
  }

  async read(scope: string, keys: readonly ContextKey[]): Promise<unknown[]> {
    const answers = await this.exchange.run(keys.map(({ field }) => operation.get(scope, field)));
    return keys.map((key, index) => {
      const stored = operation.fieldOf(answers[index]);
      return stored && pick(key, fieldValue(stored));
    });
  }

  /** Names of a scope's fields. */
  async keys(scope: string): Promise<string[]> {
    const [names] = (await this.exchange.run([operation.keys(scope)])) as [Buffer[]];
    return names.map(String);
  }

  /** Writes all of them as one. `undefined` takes a value away. */
  async write(scope: string, keys: readonly ContextKey[], values: readonly unknown[]) {
    const changes = keys.map((key, index) => this.change(scope, key, values[index]));
    const settle = keys.map((key, index) => this.mirror?.anticipate(scope, key, values[index]));
    try {
      const answers = await this.exchange.run(changes);
      changes.forEach(({ kind, field }, index) => {
        if (kind === "patch") this.fold(scope, field, answers[index] as number);
      });
      for (const done of settle) done?.();
    } catch (error) {
      for (const done of settle) done?.(error);
      throw error;
    }
  }

  private change(scope: string, key: ContextKey, value: unknown) {
    if (key.rest.length > 0) {
      const mark = `${this.exchange.session}:${this.patches++}`;
      const patch = encodePatch(mark, key.text, value);
      return operation.patch(scope, key, patch, value === undefined ? "" : encode(emptyFor(key)));
    }
    if (value === undefined) return operation.remove(scope, key.field);
    return operation.set(scope, key.field, encode(value));
  }
}
