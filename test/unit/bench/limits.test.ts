import { describe, expect, it } from "vitest";
import { type Figure, judge, type Limit, report } from "../../support/report.ts";

const figure = (value: number, unit: string, atMost?: number, of?: Limit["of"]): Figure => ({
  ...{ at: "2026-01-01T00:00:00Z", name: "a figure", value, unit },
  ...(atMost !== undefined && { atMost }),
  ...(of && { of }),
});

describe("limits of figures", () => {
  it("give times room on a machine that does other work, and nothing else", () => {
    expect(judge(figure(99, "s"))).toBe("none");
    expect(judge(figure(15, "s", 15))).toBe("met");
    expect(judge(figure(60, "s", 15))).toBe("missed");
    expect(judge(figure(61, "s", 15))).toBe("broken");
    expect(judge(figure(1536, "MB", 1536))).toBe("met");
    expect(judge(figure(1537, "MB", 1536))).toBe("broken");
  });

  it("give waits for leases and timers little room: a lease three times as long is found out", () => {
    expect(judge(figure(3000, "ms", 3000, "waits"))).toBe("met");
    expect(judge(figure(4500, "ms", 3000, "waits"))).toBe("missed");
    expect(judge(figure(4501, "ms", 3000, "waits"))).toBe("broken");
    expect(judge(figure(9200, "ms", 3000, "waits"))).toBe("broken");
  });

  it("take no figure that was not measured", () => {
    expect(() => report("a figure", Number.NaN, "s", { atMost: 15 })).toThrow("no measurement");
  });
});
