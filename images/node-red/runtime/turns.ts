/**
 * Replicas that have to restart everything do so one after the other, so that the others serve
 * without a wait; the edge sends requests to whoever has the fewest open. The turn is a lease in the
 * flow store. It is a courtesy, not a lock: whoever waited long enough goes on without it, because a
 * replica on an old revision is worse than requests that wait.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, reasonOf } from "./log.ts";
import { inTime } from "./retry.ts";
import type { FlowStore } from "./store/types.ts";

/** A turn that is not kept ends by itself: its replica died or hangs. */
const TTL_MS = 2500;
const KEEP_MS = TTL_MS / 5;
/** Longest time that a turn is kept: a restart that does not end is nothing to wait for. */
const LONGEST_MS = 10_000;
/** Longest wait for a turn that is not handed on, and at all. */
const STUCK_MS = 3000;
const WAIT_MS = 10_000;
const ASK_MS = 40;

export interface TurnOptions {
  store: FlowStore;
  worker: string;
  log: Logger;
}

/** One replica's part in taking turns. */
export class Turns {
  private readonly options: TurnOptions;
  private keeper: NodeJS.Timeout | undefined;
  /** The last time that the turn was kept. */
  private kept: Promise<unknown> = Promise.resolve();

  constructor(options: TurnOptions) {
    this.options = options;
  }

  /** Resolves when this replica may restart everything: it has the turn, or waited long enough. */
  async take(): Promise<void> {
    const { worker, log } = this.options;
    const begin = performance.now();
    const waitedMs = () => Math.round(performance.now() - begin);
    let holder = "";
    for (let since = begin; this.isWorthIt(begin, since); await sleep(ASK_MS)) {
      const seen = await this.ask(since + STUCK_MS - performance.now());
      if (seen === worker) {
        log.debug("its turn to restart everything", { waitedMs: waitedMs() });
        this.keep();
        return;
      }
      if (seen !== undefined && seen !== holder) since = performance.now();
      holder = seen ?? holder;
    }
    log.warn("restarts everything without its turn", { waitedMs: waitedMs(), holder });
  }

  private isWorthIt(begin: number, since: number): boolean {
    const now = performance.now();
    return now - since < STUCK_MS && now - begin < WAIT_MS;
  }

  /** Who has the turn; undefined when the store does not say so in time. */
  private ask(timeMs: number): Promise<string | undefined> {
    const { store, worker, log } = this.options;
    return inTime("the turn was not asked for", store.takeTurn(worker, TTL_MS), timeMs, log);
  }

  private keep(): void {
    const end = performance.now() + LONGEST_MS;
    this.keeper = setInterval(() => {
      if (performance.now() < end) this.kept = this.ask(KEEP_MS);
      else this.stopKeeping();
    }, KEEP_MS).unref();
  }

  private stopKeeping(): void {
    clearInterval(this.keeper);
    this.keeper = undefined;
  }

  /** Hands the turn on; nothing for a replica that does not have it. */
  end(): void {
    if (this.keeper === undefined) return;
    this.stopKeeping();
    const { store, worker, log } = this.options;
    const handOn = () => store.endTurn(worker);
    this.kept.then(handOn).catch((error) => {
      log.debug("the turn ends by itself", { reason: reasonOf(error) });
    });
  }
}
