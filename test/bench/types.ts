/** One measured figure beside its peer's and the physical limit, all from the same run. */
export interface Row {
  /** Benchmark, e.g. `B3`. */
  readonly id: string;
  readonly metric: string;
  readonly unit: string;
  readonly ours: number;
  /** Absent where no peer can be compared. */
  readonly peer?: number;
  readonly limit: number;
  /** `ours / peer`: below 1 is better than the peer where less is better. */
  readonly ratio?: number;
  /** `ours / limit`: 1 is what the machine can do. */
  readonly toLimit: number;
  /** What the figure has to be, and whether it is. Absent where there is no target. */
  readonly target?: { readonly text: string; readonly met: boolean };
  /** How the figure came about: the number of values, of which it is the median, and their range, both of ours. */
  readonly note: string;
}

/** A bound of a figure: of the figure itself, or of its ratio to the peer or to the limit. */
export interface Target {
  readonly of: "ours" | "peer" | "limit";
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** One benchmark. */
export interface Benchmark {
  readonly id: string;
  readonly what: string;
  /** Seconds that it may take. Default 420. */
  readonly limitSeconds?: number;
  run(): Promise<Row[]>;
}
