/** A test that did not pass, or a file that did not load. */
export interface Failure {
  /** The file, from the clone, and the test's full name. */
  readonly test: string;
  /** First line of what was wrong. */
  readonly message: string;
}

/** What came out of a tier's tests. */
export interface Outcome {
  readonly passed: number;
  readonly failed: readonly Failure[];
  /** Failed at first, and passed when their file ran again, alone: each is a fault to look for. */
  readonly unsteady: readonly Failure[];
}
