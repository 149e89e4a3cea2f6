import { performance } from "node:perf_hooks";
import type { Answer } from "./http.ts";

/** A request without a right answer; times in milliseconds of `performance.now()`. */
export interface LostRequest {
  readonly sent: number;
  readonly failed: number;
  readonly why: string;
}

/** What a load saw from its start to its end. */
export interface LoadReport {
  readonly sent: number;
  /** Requests without a right answer, each told once with its time since the start. */
  readonly lost: readonly string[];
  /** The same with exact times. */
  readonly losses: readonly LostRequest[];
  /** Latency percentiles in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** How a load asks and what counts as a right answer. */
export interface LoadOptions {
  readonly ask: () => Promise<Answer>;
  /** Default: status 200. */
  readonly isRight?: (answer: Answer) => boolean;
  /** Requests a second, sent whether or not earlier ones were answered. Default 50. */
  readonly perSecond?: number;
}

/** An open-loop load: it sends at a fixed rate, so that a stall cannot hide what it costs. */
export class Load {
  private readonly options: LoadOptions;
  private readonly pending = new Set<Promise<void>>();
  private readonly latencies: number[] = [];
  private readonly losses: LostRequest[] = [];
  /** When each right answer came, in milliseconds of `performance.now()`. */
  readonly times: number[] = [];
  private readonly timer: NodeJS.Timeout;
  private readonly started = performance.now();
  private sent = 0;

  constructor(options: LoadOptions) {
    this.options = options;
    this.timer = setInterval(() => this.catchUp(), 10);
  }

  /** Sends what is due by now. */
  private catchUp(): void {
    const elapsed = (performance.now() - this.started) / 1000;
    const due = Math.floor(elapsed * (this.options.perSecond ?? 50));
    // After a stall of this process itself a burst would measure the test, not the platform.
    const missed = Math.max(0, due - this.sent - 20);
    this.sent += missed;
    while (this.sent < due) this.send();
  }

  private send(): void {
    this.sent += 1;
    const at = performance.now();
    const done = this.settle(at).finally(() => this.pending.delete(done));
    this.pending.add(done);
  }

  private async settle(at: number): Promise<void> {
    const isRight = this.options.isRight ?? ((answer) => answer.status === 200);
    try {
      const answer = await this.options.ask();
      if (isRight(answer)) this.times.push(performance.now());
      else this.lose(at, `${answer.status} ${answer.body.slice(0, 120)}`);
    } catch (error) {
      this.lose(at, error instanceof Error ? `${error.name} ${error.message}` : String(error));
    }
    this.latencies.push(performance.now() - at);
  }

  private lose(sent: number, why: string): void {
    this.losses.push({ sent, failed: performance.now(), why });
  }

  /** Stops sending, waits for the answers still owed, and reports. */
  async stop(): Promise<LoadReport> {
    clearInterval(this.timer);
    await Promise.all(this.pending);
    const sorted = this.latencies.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
    const { losses } = this;
    const lost = losses.map(
      ({ sent, why }) => `at ${((sent - this.started) / 1000).toFixed(2)} s: ${why}`,
    );
    return { sent: sorted.length, lost, losses, p50: at(0.5), p99: at(0.99), max: at(1) };
  }
}
