import { randomInt } from "node:crypto";

/** Numbers that look random and are the same again for the same seed. */
export class Draw {
  /** What `REDFLEET_SEED` says, or a new one: told in the output, so that a run can be repeated. */
  readonly seed: number;
  #state: number;

  constructor(seed = Number(process.env.REDFLEET_SEED ?? randomInt(2 ** 31))) {
    this.seed = seed;
    this.#state = seed;
  }

  /** A number from `from` up to, but not including, `to`. */
  between(from: number, to: number): number {
    return from + this.#next() * (to - from);
  }

  /** Mulberry32: 32 bits of state are enough to pick moments. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
