/** A distribution of durations, counted as Prometheus' histograms are. */
export class Histogram {
  /** Seconds, ascending. */
  private readonly bounds: readonly number[];
  /** How many were not longer than the bound of the same place, but than the one before; last, beyond all. */
  private readonly counts: number[];
  /** Seconds of all together. */
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array(bounds.length + 1).fill(0);
  }

  observe(seconds: number): void {
    const at = this.bounds.findIndex((bound) => seconds <= bound);
    const place = at === -1 ? this.bounds.length : at;
    this.counts[place] = (this.counts[place] as number) + 1;
    this.sum += seconds;
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** For each bound, how many were not longer; `+Inf` last. */
  buckets(): [bound: string, count: number][] {
    let sum = 0;
    return this.counts.map((count, place) => {
      sum += count;
      return [String(this.bounds[place] ?? "+Inf"), sum];
    });
  }
}
