/** One worker's part in the election for one lock. */
import { type Logger, reasonOf } from "../log.ts";
import { tokenOf, workerOf } from "./token.ts";
import type { LeaderState, NextFence } from "./types.ts";

/** The lock's store. */
export interface LockStore {
  /** 0: taken. Else milliseconds until it may be free. With the token that the lock has now. */
  acquire(lock: string, token: string, leaseMs: number): Promise<[busyMs: number, owner: string]>;
  extend(lock: string, token: string, leaseMs: number): Promise<boolean>;
  /** Answers whether the lock was the owner's. */
  release(lock: string, token: string): Promise<boolean>;
  /** The token that the lock has; null: it is free. */
  owner(lock: string): Promise<string | null>;
}

export interface ElectionOptions {
  readonly lock: string;
  readonly worker: string;
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
/** Longest time that the others have after a hand-over: they hear of it at once, or not at all. */
const CHANCE_MS = 2400;

export class Election {
  private readonly options: ElectionOptions;
  private term: Term | undefined;
  /** Who led when the store was asked last. */
  private leader: string | undefined;
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
    const { term, leader, problem } = this;
    if (term && performance.now() < term.until) {
      return { leads: true, fence: term.fence, leader: this.options.worker };
    }
    return { leads: false, ...(leader && { leader }), ...(problem && { problem }) };
  }

  /** The lock may be free now. */
  wake(): void {
    if (this.stepping) this.again = true;
    else if (this.term === undefined) this.plan(Math.random() * 5);
  }

  /** Gives the lock back, and leaves it to the others for a moment. Answers whether there was one to give. */
  async handOver(): Promise<boolean> {
    await this.stepping;
    if (this.term === undefined) return false;
    this.patience = performance.now() + Math.min(this.options.leaseMs, CHANCE_MS);
    try {
      return await this.release();
    } finally {
      this.plan(RETRY_MS);
    }
  }

  async end(): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    await this.stepping;
    await this.release().catch((error) => {
      // It ends by itself.
      const { lock, log } = this.options;
      log.debug("the lock was not released", { lock, reason: reasonOf(error) });
    });
  }

  private async release(): Promise<boolean> {
    const { term } = this;
    this.lose();
    return term !== undefined && this.options.store.release(this.options.lock, term.token);
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
      this.leader = undefined;
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
    const { store, lock, worker, leaseMs, nextFence } = this.options;
    const wait = this.patience - performance.now();
    if (wait > 0) return this.look(wait);
    const token = tokenOf(leaseMs, worker);
    const begin = performance.now();
    const [busyMs, owner] = await store.acquire(lock, token, leaseMs);
    if (busyMs > 0) {
      this.follow(owner);
      return Math.min(busyMs, leaseMs) + Math.random() * JITTER_MS;
    }
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

  /** Who has handed over sees who leads now. */
  private async look(wait: number): Promise<number> {
    const { store, lock } = this.options;
    this.follow(await store.owner(lock));
    return this.leader === undefined ? Math.min(wait, RETRY_MS) : wait;
  }

  private follow(owner: string | null): void {
    const leader = owner === null ? undefined : workerOf(owner);
    if (leader === this.leader) return;
    this.leader = leader;
    this.options.onChange();
  }

  private keep(term: Term, begin: number): void {
    const changed = this.term !== term;
    term.until = begin + this.options.leaseMs * SAFE_SHARE;
    this.term = term;
    this.leader = undefined;
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
