import { describe, expect, it } from "vitest";
import { interleave, row } from "../../bench/measure.ts";

const values = { ours: [3, 4, 5], limit: [2, 2, 2] };

describe("a figure", () => {
  it("is the median of the values of all rounds but the first, which each side takes in turn", async () => {
    const turns: string[] = [];
    const take = (side: string) => async () => turns.push(side);
    const found = await interleave(2, { ours: take("ours"), peer: take("peer") });
    expect(turns).toEqual(["ours", "peer", "ours", "peer", "ours", "peer"]);
    expect(found).toEqual({ ours: [3, 5], peer: [4, 6] });
  });

  it("says how many values it is of, not how many rounds: a round may have several saves", () => {
    expect(row("B7", "save", "ms", { ...values, peer: [8, 8, 8] })).toEqual({
      ...{ id: "B7", metric: "save", unit: "ms" },
      ...{ ours: 4, peer: 8, limit: 2, ratio: 0.5, toLimit: 2 },
      note: "3 values, ours 3 to 5",
    });
  });
});
