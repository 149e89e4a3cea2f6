import { pause } from "./wait.ts";

/** What writers saw from their start to their end. */
export interface WritersReport {
  /** Numbers that the store acknowledged. */
  readonly acknowledged: readonly number[];
  /** When each of them was, in milliseconds of `performance.now()`. */
  readonly times: readonly number[];
  /** Attempts that ended in an error: they may or may not be there. */
  readonly failed: number;
  /** Longest time between two acknowledgements, in milliseconds. */
  readonly gapMs: number;
  /** One of each kind of error that was seen. */
  readonly errors: readonly string[];
}

/** Clients that write numbered records one after the other and remember what was acknowledged. */
export class Writers {
  /** When each acknowledgement came, in milliseconds of `performance.now()`. */
  readonly times: number[] = [];
  private readonly acknowledged: number[] = [];
  private readonly errors = new Set<string>();
  private readonly workers: Promise<void>[];
  private failed = 0;
  private gapMs = 0;
  private last = performance.now();
  private stopped = false;
  private next = 0;

  /**
   * @param write stores one number and resolves when the store promised to keep it
   * @param options writers side by side (4) and the pause of each between two writes in milliseconds (10)
   */
  constructor(
    write: (id: number) => Promise<unknown>,
    { workers = 4, paceMs = 10 }: { workers?: number; paceMs?: number } = {},
  ) {
    this.workers = Array.from({ length: workers }, () => this.work(write, paceMs));
  }

  private async work(write: (id: number) => Promise<unknown>, paceMs: number) {
    while (!this.stopped) {
      const id = this.next;
      this.next += 1;
      try {
        await write(id);
        this.acknowledge(id);
      } catch (error) {
        this.failed += 1;
        this.errors.add(String(error).slice(0, 120));
      }
      await pause(paceMs);
    }
  }

  private acknowledge(id: number) {
    this.acknowledged.push(id);
    const now = performance.now();
    this.times.push(now);
    this.gapMs = Math.max(this.gapMs, now - this.last);
    this.last = now;
  }

  /** How many writes were acknowledged so far. */
  get count(): number {
    return this.acknowledged.length;
  }

  /** The newest kind of error, for messages. */
  get lastError(): string {
    return [...this.errors].at(-1) ?? "none";
  }

  /** Lets the writes under way end, and reports. */
  async stop(): Promise<WritersReport> {
    this.stopped = true;
    await Promise.all(this.workers);
    const { acknowledged, times, failed, gapMs } = this;
    return { acknowledged, times, failed, gapMs, errors: [...this.errors] };
  }
}

/** Numbers acknowledged before that moment that are not in the store: what was lost. */
export function lost(
  { acknowledged, times }: WritersReport,
  present: Iterable<number>,
  before = Number.POSITIVE_INFINITY,
): number[] {
  const found = new Set(present);
  const early = (index: number) => (times[index] as number) < before;
  return acknowledged.filter((id, index) => !found.has(id) && early(index));
}
