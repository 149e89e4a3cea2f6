/** One worker's part in the election for one lock. */
import { randomUUID } from "node:crypto";
import { type Logger, reasonOf } from "../log.ts";
import type { LeaderState, NextFence } from "./types.ts";

/** The lock's store. */
export interface LockStore {
  /** 0: taken. Else milliseconds until it may be free. */
  acquire(lock: string, token: string, leaseMs: number): Promise<number>;
  extend(lock: string, token: string, leaseMs: number): Promise<boolean>;
  release(lock: string, token: string): Promise<void>;
}

export interface ElectionOptions {
  readonly lock: string;
  /** Milliseconds that the store keeps the lock without a renewal. */
  readonly leaseMs: number;
  readonly store: LockStore;
  readonly nextFence: NextFence;
  readonly onChange: () => void;
  readonly log: Logger;
}

/** A term as leader. */
interface Term {
  readonly token: string;
  readonly fence: number;
  /** Until then no other worker can hold the lock: a time of the own monotonic clock. */
  until: number;
}

/** A leader works until this share of the lease has passed since its last renewal. */
const SAFE_SHARE = 2 / 3;
/** Followers look a little after the lease has ended, not all at the same moment. */
const JITTER_MS = 40;
const RETRY_MS = 250;

export class Election {
  private readonly options: ElectionOptions;
  private term: Term | undefined;
  private problem: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stepping: Promise<void> | undefined;
  private expiry: NodeJS.Timeout | undefined;
  /** Not before then: others have their chance first. */
  private patience = 0;
  /** Woken in the middle of a step. */
  private again = false;
  private ended = false;

  constructor(options: ElectionOptions) {
    this.options = options;
    this.wake();
  }

  get state(): LeaderState {
    if (this.term && performance.now() < this.term.until) {
      return { leads: true, fence: this.term.fence };
    }
    return { leads: false, ...(this.problem && { problem: this.problem }) };
  }

  /** The lock may be free now. */
  wake(): void {
    if (this.stepping) this.again = true;
    else if (this.term === undefined) this.plan(Math.random() * 5);
  }

  /** Gives the lock back, and waits for one lease before the next try. */
  async handOver(): Promise<void> {
    this.patience = performance.now() + this.options.leaseMs;
    await this.release();
    this.plan(this.options.leaseMs);
  }

  async end(): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    await this.release();
  }

  private async release(): Promise<void> {
    await this.stepping;
    const { term } = this;
    this.lose();
    if (term === undefined) return;
    const { store, lock, log } = this.options;
    await store.release(lock, term.token).catch((error) => {
      // It ends by itself.
      log.debug("the lock was not released", { lock, reason: reasonOf(error) });
    });
  }

  private plan(ms: number): void {
    if (this.ended) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.stepping ??= this.step().finally(() => {
        this.stepping = undefined;
      });
    }, ms);
    this.timer.unref();
  }

  private async step(): Promise<void> {
    this.again = false;
    try {
      const next = this.term ? await this.renew(this.term) : await this.run();
      this.report(undefined);
      this.plan(this.again && !this.term ? 0 : next);
    } catch (error) {
      this.report(reasonOf(error));
      this.plan(RETRY_MS);
    }
  }

  /** Keeps leading. Answers milliseconds until the next step. */
  private async renew(term: Term): Promise<number> {
    const { store, lock, leaseMs } = this.options;
    const begin = performance.now();
    if (begin >= term.until || !(await store.extend(lock, term.token, leaseMs))) {
      this.lose();
      return 0;
    }
    this.keep(term, begin);
    return leaseMs / 3;
  }

  /** Tries to become leader. */
  private async run(): Promise<number> {
    const { store, lock, leaseMs, nextFence } = this.options;
    const wait = this.patience - performance.now();
    if (wait > 0) return wait;
    const token = `${leaseMs} ${randomUUID()}`;
    const begin = performance.now();
    const busy = await store.acquire(lock, token, leaseMs);
    if (busy > 0) return Math.min(busy, leaseMs) + Math.random() * JITTER_MS;
    try {
      const fence = await nextFence(lock);
      // A failover may have lost the lock meanwhile: a number counts only for who holds it after.
      if (performance.now() > begin + leaseMs * SAFE_SHARE)
        throw new Error("the election was too slow");
      if (!(await store.extend(lock, token, leaseMs))) return 0;
      this.keep({ token, fence, until: 0 }, begin);
    } catch (error) {
      await store.release(lock, token).catch(() => {});
      throw error;
    }
    return leaseMs / 3;
  }

  private keep(term: Term, begin: number): void {
    const changed = this.term !== term;
    term.until = begin + this.options.leaseMs * SAFE_SHARE;
    this.term = term;
    clearTimeout(this.expiry);
    this.expiry = setTimeout(() => this.expire(), term.until - performance.now());
    this.expiry.unref();
    if (changed) this.options.onChange();
  }

  /** Nothing was heard for too long: another may lead from now on. */
  private expire(): void {
    if (this.term && performance.now() >= this.term.until) this.lose();
  }

  private lose(): void {
    clearTimeout(this.expiry);
    if (this.term === undefined) return;
    this.term = undefined;
    this.options.onChange();
  }

  private report(problem: string | undefined): void {
    if (problem === this.problem) return;
    const { lock, log, onChange } = this.options;
    if (problem) log.warn("no part in the election", { lock, reason: problem });
    this.problem = problem;
    onChange();
  }
}
