/**
 * Carries operations to the store in their order. A call holds what was asked while those before were on
 * their way: a lone operation costs one round trip, many share it. A second call may follow one that only
 * writes, so that the store works while this process does. A call that was not answered is sent again with
 * its number, by which the script knows what it has applied already, and whether the one before is missing.
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

/** What is sent at once. */
interface Call {
  readonly units: readonly Unit[];
  /** Number of a call that writes, else 0. */
  readonly sequence: number;
  /** Nothing in it would see more when it is sent again after a later call. */
  readonly onlyWrites: boolean;
  answer: Promise<Answer[]>;
}

const MOST_CALLS = 2;
const MOST_OPERATIONS = 64;
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
  private readonly script: (...args: unknown[]) => Promise<Answer[]>;
  private waiting: Unit[] = [];
  /** What is on its way, in its order. */
  private calls: Call[] = [];
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
    this.script = (...args) =>
      (redfleetContextBuffer as typeof this.script).apply(options.client, args);
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
    for (const unit of this.calls.flatMap(({ units }) => units).filter(old)) {
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
    do {
      while (this.mayBegin()) this.begin();
      await this.settle();
    } while (this.calls.length > 0 || this.waiting.length > 0);
    clearInterval(clock);
    this.sending = undefined;
  }

  private mayBegin(): boolean {
    const room = this.calls.length < MOST_CALLS && this.calls.every(({ onlyWrites }) => onlyWrites);
    return room && this.waiting.length > 0;
  }

  private begin(): void {
    const units = this.take();
    const writing = units.flatMap((unit) => unit.operations.map(({ writes }) => writes));
    const sequence = writing.includes(true) ? ++this.sequence : 0;
    const call = { units, sequence, onlyWrites: !writing.includes(false) };
    this.calls.push({ ...call, answer: this.launch(call, this.calls.at(-1)) });
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

  private launch({ units, sequence }: Omit<Call, "answer">, before?: Call): Promise<Answer[]> {
    const operations = units.flatMap((unit) => unit.operations);
    const answer = this.script(...this.argumentsOf(operations, sequence, before?.sequence ?? 0));
    // Those behind one that fails are looked at later.
    answer.catch(() => {});
    return answer;
  }

  /** Waits for the oldest call, and takes it away unless it is sent again. */
  private async settle(): Promise<void> {
    const [oldest] = this.calls;
    if (oldest === undefined) return;
    try {
      this.distribute(await oldest.answer, oldest.units);
    } catch (error) {
      this.note(error as Error);
      if (isPassing(error)) return this.again();
      for (const unit of oldest.units) this.fail(unit, error as Error);
    }
    this.calls.shift();
  }

  /** Sends what is on its way once more, but for what has been given up. */
  private async again(): Promise<void> {
    await Promise.allSettled(this.calls.map(({ answer }) => answer));
    await sleep(AGAIN_MS);
    this.calls = this.calls.filter(({ units }) => units.some((unit) => !unit.over));
    this.calls.forEach((call, index) => {
      call.answer = this.launch(call, this.calls[index - 1]);
    });
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

  private argumentsOf(operations: readonly Operation[], sequence: number, before: number) {
    const { prefix } = this.options;
    const keys = [`${prefix}session:${this.session}`, `${prefix}scopes`];
    const args: unknown[] = [sequence, before, "", ""];
    if (sequence > 0) args.splice(2, 2, channelOf(prefix), JSON.stringify(this.newsOf(operations)));
    for (const operation of operations) {
      keys.push(...keysOf(prefix, operation));
      const [first = "", second = "", third = "", fourth = ""] = operation.arguments;
      args.push(operation.kind, first, second, third, fourth);
    }
    return [keys.length, ...keys, ...args];
  }

  private newsOf(operations: readonly Operation[]): News {
    const changed = operations.filter(({ writes }) => writes);
    return {
      ...{ from: this.session, at: performance.now() },
      changed: changed.map(({ scope, field }) => [scope, field]),
    };
  }
}

function sizeOf(operation: Operation): number {
  return operation.arguments.reduce((sum, argument) => sum + argument.length, 64);
}
