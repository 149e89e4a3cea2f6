/** One measured figure beside its peer's and the physical limit, all from the same run. */
export interface Row {
  /** Benchmark, e.g. `B3`. */
  readonly id: string;
  readonly metric: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: number;
  readonly limit: number;
  /** `ours / peer`: below 1 is better than the peer where less is better. */
  readonly ratio: number;
  /** How the figure came about: rounds and range of ours. */
  readonly note: string;
}

/** One benchmark. */
export interface Benchmark {
  readonly id: string;
  readonly what: string;
  run(): Promise<Row[]>;
}
