/**
 * Carries operations to the store in their order. A call holds what was asked while those before were on
 * their way: a lone operation costs one round trip, many share it. A second call may follow one that only
 * writes, so that the store works while this process does. A call that was not answered is sent again with
 * its number, by which the script knows what it has applied already, and whether the one before is missing.
 * Calls that were answered are kept for a moment: a failover may lose what no replica had yet, and then they are
 * sent again before all others.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { Histogram } from "../histogram.ts";
import { isPassing } from "../valkey/connection.ts";
import { beat, keysOf, type Operation } from "./operations.ts";
import { EXCHANGE } from "./script.ts";

export interface ExchangeOptions {
  /** Must not queue while it is not connected: the exchange does. */
  readonly client: Redis;
  readonly prefix: string;
  /** Milliseconds until an operation is given up. */
  readonly timeoutMs: number;
}

/** Since the start of the process. */
export interface ExchangeCounters {
  operations: number;
  failures: number;
  /** From asking until the answer, or until it was given up. */
  readonly durations: Histogram;
}

/** Seconds. A round trip takes less than a millisecond, a failover some seconds. */
const CALL_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 10];

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
  /** Those who wait for it; nobody any more when it is sent again after it was answered. */
  readonly units: readonly Unit[];
  readonly operations: readonly Operation[];
  /** Number of a call that writes, else 0. */
  readonly sequence: number;
  /** Nothing in it would see more when it is sent again after a later call. */
  readonly onlyWrites: boolean;
  readonly bytes: number;
  /** When it was answered, for one that is kept or sent again after that. */
  readonly answered?: number;
  answer: Promise<Answer[]>;
}

const MOST_CALLS = 2;
const MOST_OPERATIONS = 64;
const MOST_BYTES = 1024 * 1024;
/** Pause between two tries while the store is away. */
const AGAIN_MS = 50;
const EXPIRE_MS = 100;
/** Replicas of a server that answers still have what is older. */
const REPLICATED_MS = 1000;
/** Longer than a failover takes; what is older may have been changed by others long since. */
const KEEP_MS = 15_000;
const KEEP_BYTES = MOST_BYTES;

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
  readonly counters: ExchangeCounters = {
    ...{ operations: 0, failures: 0 },
    durations: new Histogram(CALL_SECONDS),
  };
  private readonly options: ExchangeOptions;
  private readonly script: (...args: unknown[]) => Promise<Answer[]>;
  private waiting: Unit[] = [];
  /** What is on its way, in its order. */
  private calls: Call[] = [];
  /** Calls that write and were answered last, in their order. */
  private kept: Call[] = [];
  private keptBytes = 0;
  private sending: Promise<void> | undefined;
  private sequence = 0;
  private lastError = "no connection";
  private closed = false;

  constructor(options: ExchangeOptions) {
    this.options = options;
    options.client.on("error", (error: Error) => this.note(error));
    options.client.on("ready", () => this.check());
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

  /** Finds out, after a connection was lost, whether the store has lost what it had answered. */
  private check(): void {
    if (isRecent(this.kept.at(-1))) this.run([beat()]).catch(() => {});
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
    this.counters.durations.observe((performance.now() - unit.begin) / 1000);
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
    const { units, bytes } = this.take();
    const operations = units.flatMap((unit) => unit.operations);
    const writing = operations.map(({ writes }) => writes);
    const sequence = writing.includes(true) ? ++this.sequence : 0;
    const call = { units, operations, sequence, onlyWrites: !writing.includes(false), bytes };
    this.calls.push({ ...call, answer: this.launch(call, this.lastBefore()) });
  }

  /** The call that the store must have before the next one. */
  private lastBefore(): Call | undefined {
    const kept = this.kept.at(-1);
    return this.calls.at(-1) ?? (isRecent(kept) ? kept : undefined);
  }

  /** The next units: as many as fit, one at least. */
  private take(): Pick<Call, "units" | "bytes"> {
    let [count, operations, bytes] = [0, 0, 0];
    for (const unit of this.waiting) {
      const more = unit.operations.reduce((sum, operation) => sum + sizeOf(operation), 0);
      operations += unit.operations.length;
      if (count > 0 && (operations > MOST_OPERATIONS || bytes + more > MOST_BYTES)) break;
      bytes += more;
      count += 1;
    }
    return { units: this.waiting.splice(0, count), bytes };
  }

  private launch(call: Pick<Call, "operations" | "sequence">, before?: Call): Promise<Answer[]> {
    const { operations, sequence } = call;
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
      this.keep(oldest);
    } catch (error) {
      this.note(error as Error);
      if (isPassing(error)) return this.again();
      for (const unit of oldest.units) this.fail(unit, error as Error);
    }
    this.calls.shift();
  }

  private keep(call: Call): void {
    const answered = performance.now();
    // Reads have no number.
    const operations = call.sequence > 0 ? call.operations.filter(({ once }) => !once) : [];
    if (operations.length > 0) {
      this.kept.push({ ...call, operations, units: [], answered });
      this.keptBytes += call.bytes;
    }
    for (let [first] = this.kept; first; [first] = this.kept) {
      if (this.keptBytes <= KEEP_BYTES && age(first) < REPLICATED_MS) break;
      this.kept.shift();
      this.keptBytes -= first.bytes;
    }
  }

  /** Sends what is on its way once more, but for what has been given up, and before it what was answered last. */
  private async again(): Promise<void> {
    await Promise.allSettled(this.calls.map(({ answer }) => answer));
    await sleep(AGAIN_MS);
    const isWanted = (call: Call) =>
      call.units.some(({ over }) => !over) || (!this.closed && isRecent(call));
    this.calls = [...this.kept, ...this.calls].filter(isWanted);
    this.kept = [];
    this.keptBytes = 0;
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
    const keys = [`${prefix}session:${this.session}`, `${prefix}scopes`, `${prefix}marks`];
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

/** Milliseconds since a call was answered; infinite for one that was not. */
const age = ({ answered = Number.NEGATIVE_INFINITY }: Call): number => performance.now() - answered;

/** True for a call that was answered not long ago. */
const isRecent = (call: Call | undefined): call is Call =>
  call !== undefined && age(call) < KEEP_MS;

function sizeOf(operation: Operation): number {
  return operation.arguments.reduce((sum, argument) => sum + argument.length, 64);
}
