import { describe, expect, it } from "vitest";
import { interleave, row } from "../../bench/measure.ts";
import { renderTable } from "../../bench/render.ts";
import { packed } from "../../bench/store.ts";
import { ballast } from "../../support/flows.ts";

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

  it("stands alone where no peer can be compared", () => {
    const alone = row("B7", "save", "ms", values, { of: "ours", atMost: 4 });
    expect(Object.keys(alone)).not.toContain("peer");
    expect(renderTable([alone]).split("\n")[2]).toBe(
      "| B7 | save | ms | 4 |  | 2 |  | 2 | ≤ 4 ms | met | 3 values, ours 3 to 5 |",
    );
  });
});

describe("the limit of a save", () => {
  it("is the write of what the runtime writes: packed where that is packed", async () => {
    const flows = ballast("moving", 3000);
    expect((await packed(flows)).length).toBeLessThan(JSON.stringify(flows).length / 4);
    expect(await packed([])).toBe("[]");
  });
});
