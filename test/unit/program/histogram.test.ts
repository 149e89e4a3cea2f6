import { expect, test } from "vitest";
import { Histogram } from "../../../images/node-red/runtime/histogram.ts";

test("counts what is not longer than each bound, and all", () => {
  const histogram = new Histogram([0.1, 1, 10]);
  for (const seconds of [0.05, 0.1, 0.2, 10, 11]) histogram.observe(seconds);
  expect(histogram.buckets()).toEqual([
    ["0.1", 2],
    ["1", 3],
    ["10", 4],
    ["+Inf", 5],
  ]);
  expect(histogram.count).toBe(5);
  expect(histogram.sum).toBeCloseTo(21.35);
});
