/**
 * Carries operations to the store in their order. One call is on its way at a time and holds all that
 * was asked meanwhile: a lone operation costs one round trip, many share it. A call that was not
 * answered is sent again with its number, by which the script knows what it has applied already.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { isPassing } from "../valkey/connection.ts";
import { keysOf, type Operation } from "./operations.ts";
import { EXCHANGE } from "./script.ts";

export interface ExchangeOptions {
  /** Must not queue while it is not connected: the exchange does. */
  readonly client: Redis;
  readonly prefix: string;
  /** Milliseconds until an operation is given up. */
  readonly timeoutMs: number;
}

/** Counters since the start of the process. */
export interface ExchangeCounters {
  operations: number;
  calls: number;
  failures: number;
  seconds: number;
}

/** Operations that belong together. */
interface Unit {
  readonly operations: readonly Operation[];
  readonly begin: number;
  resolve(answers: unknown[]): void;
  reject(error: Error): void;
  over: boolean;
}

type Answer = [ok: number, value: unknown];

const MOST_OPERATIONS = 256;
const MOST_BYTES = 1024 * 1024;
/** Pause between two tries while the store is away. */
const AGAIN_MS = 50;
const EXPIRE_MS = 100;

/** What is announced with each call that writes. */
export interface News {
  /** Session of the writer. */
  readonly from: string;
  /** When it was sent, by the writer's own monotonic clock in milliseconds. */
  readonly at: number;
  /** Empty field: the whole scope. */
  readonly changed: readonly (readonly [scope: string, field: string])[];
}

/** Channel on which each change is announced. */
export const channelOf = (prefix: string) => `${prefix}context`;

export class Exchange {
  /** Random name of this process: tells its own announcements from those of others. */
  readonly session = randomUUID();
  readonly counters: ExchangeCounters = { operations: 0, calls: 0, failures: 0, seconds: 0 };
  private readonly options: ExchangeOptions;
  private readonly call: (...args: unknown[]) => Promise<Answer[]>;
  private waiting: Unit[] = [];
  private sent: readonly Unit[] = [];
  private sending: Promise<void> | undefined;
  private sequence = 0;
  private lastError = "no connection";
  private closed = false;

  constructor(options: ExchangeOptions) {
    this.options = options;
    options.client.on("error", (error: Error) => this.note(error));
    options.client.defineCommand("redfleetContext", { lua: EXCHANGE });
    const { redfleetContextBuffer } = options.client as unknown as Record<
      string,
      (...args: unknown[]) => Promise<Answer[]>
    >;
    this.call = (...args) =>
      (redfleetContextBuffer as typeof this.call).apply(options.client, args);
  }

  /** Runs operations as one; an answer for each. @throws in time, whatever happens. */
  run(operations: readonly Operation[]): Promise<unknown[]> {
    this.counters.operations += operations.length;
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new Error("the shared context is closed"));
      const begin = performance.now();
      const unit: Unit = { operations, begin, resolve, reject, over: false };
      this.waiting.push(unit);
      this.sending ??= this.send();
    });
  }

  /** Resolves when nothing is on its way any more. */
  async close(): Promise<void> {
    this.closed = true;
    await this.sending;
  }

  /** Gives up what is too old. All have the same time, so the oldest come first. */
  private expire(): void {
    const { timeoutMs } = this.options;
    const begin = performance.now() - timeoutMs;
    const old = (unit: Unit) => unit.begin < begin;
    const reason = `the shared context did not answer within ${timeoutMs / 1000} s (${this.lastError})`;
    for (const unit of this.sent.filter(old)) {
      const writes = unit.operations.some((operation) => operation.writes);
      this.fail(unit, new Error(writes ? `${reason}; it may have been written` : reason));
    }
    for (const unit of this.waiting.filter(old)) this.fail(unit, new Error(reason));
    this.waiting = this.waiting.filter((unit) => !unit.over);
  }

  private fail(unit: Unit, error: Error): void {
    this.end(unit, () => {
      this.counters.failures += 1;
      unit.reject(error);
    });
  }

  private end(unit: Unit, settle: () => void): void {
    if (unit.over) return;
    unit.over = true;
    this.counters.calls += 1;
    this.counters.seconds += (performance.now() - unit.begin) / 1000;
    settle();
  }

  private async send(): Promise<void> {
    const clock = setInterval(() => this.expire(), EXPIRE_MS);
    // What is asked in the same turn of the loop goes with the same call.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      this.sent = this.take();
      await this.deliver(this.sent);
    }
    this.sent = [];
    clearInterval(clock);
    this.sending = undefined;
  }

  /** The next units: as many as fit, one at least. */
  private take(): Unit[] {
    let [count, operations, bytes] = [0, 0, 0];
    for (const unit of this.waiting) {
      operations += unit.operations.length;
      for (const operation of unit.operations) bytes += sizeOf(operation);
      if (count > 0 && (operations > MOST_OPERATIONS || bytes > MOST_BYTES)) break;
      count += 1;
    }
    return this.waiting.splice(0, count);
  }

  private async deliver(units: readonly Unit[]): Promise<void> {
    const args = this.argumentsOf(units.flatMap((unit) => unit.operations));
    while (units.some((unit) => !unit.over)) {
      try {
        return this.distribute(await this.call(...args), units);
      } catch (error) {
        this.note(error as Error);
        if (isPassing(error)) await sleep(AGAIN_MS);
        else for (const unit of units) this.fail(unit, error as Error);
      }
    }
  }

  private distribute(answers: readonly Answer[], units: readonly Unit[]): void {
    let at = 0;
    for (const unit of units) {
      const own = answers.slice(at, at + unit.operations.length);
      at += unit.operations.length;
      const failed = own.find(([ok]) => Number(ok) !== 1);
      if (failed) this.fail(unit, new Error(String(failed[1])));
      else this.end(unit, () => unit.resolve(own.map(([, value]) => value)));
    }
  }

  /** Keeps the reason to tell those who wait too long. That nothing is connected is only the effect. */
  private note({ message }: Error): void {
    if (!/isn't writeable|timed out/.test(message)) this.lastError = message;
  }

  private argumentsOf(operations: readonly Operation[]): unknown[] {
    const { prefix } = this.options;
    const changed = operations.filter(({ writes }) => writes);
    const keys = [`${prefix}session:${this.session}`, `${prefix}scopes`];
    const args: unknown[] = [0, "", ""];
    if (changed.length > 0) {
      const news: News = {
        from: this.session,
        at: performance.now(),
        changed: changed.map(({ scope, field }) => [scope, field]),
      };
      args.splice(0, 3, ++this.sequence, channelOf(prefix), JSON.stringify(news));
    }
    for (const operation of operations) {
      keys.push(...keysOf(prefix, operation));
      const [first = "", second = "", third = "", fourth = ""] = operation.arguments;
      args.push(operation.kind, first, second, third, fourth);
    }
    return [keys.length, ...keys, ...args];
  }
}

function sizeOf(operation: Operation): number {
  return operation.arguments.reduce((sum, argument) => sum + argument.length, 64);
}
