import { describe, expect, it } from "vitest";
import { convergence, type Seen, verdict } from "../../faults/judge.ts";
import { returns } from "../../support/store-probe.ts";

const REPLICAS = ["e2e-replica-main-0", "e2e-replica-main-1"];
const NAMES = ["mongodb", "valkey", "api", "tenant", "saver", ...REPLICAS];

/** Every 100 ms from 0 to 20 s but for a gap. */
const steady = (from = -1, to = -1) =>
  Array.from({ length: 200 }, (_, index) => index * 100).filter(
    (time) => time <= from || time >= to,
  );

/** A fault from 5 to 12 s that nobody suffers from; each save is served 50 ms later. */
function harmless(): Seen {
  const saves = steady().map((at, mark) => ({ mark: mark + 1, at }));
  const marks = saves.map(({ mark, at }) => ({ mark, at: at + 50 }));
  return {
    fault: { begin: 5000, proven: 5010, end: 12_000 },
    judged: 19_000,
    clients: NAMES.map((name) => ({ name, times: steady(), losses: [] })),
    store: steady(),
    saves,
    served: Object.fromEntries(REPLICAS.map((name) => [name, marks])),
  };
}

const withClient = (seen: Seen, name: string, more: Partial<Seen["clients"][number]>): Seen => ({
  ...seen,
  clients: seen.clients.map((client) => (client.name === name ? { ...client, ...more } : client)),
});

describe("the judgement of a fault", () => {
  it("finds nothing where everybody was served all the while", () => {
    expect(verdict(harmless(), "stop", "agent", "e2e-agent")).toEqual([]);
  });

  it.each([
    ["before", steady(-1, 6000)],
    ["during", steady(5000, 12_100)],
    ["after", steady(12_000, 30_000)],
  ])("misses acknowledgements %s the fault", (phase, times) => {
    const seen = withClient(harmless(), "mongodb", { times });
    expect(verdict(seen, "stop", "sentinel", "e2e-sentinel-0")).toEqual([
      `mongodb: nothing was acknowledged ${phase} the fault`,
    ]);
  });

  it("excuses a client that speaks with the victim during the fault only", () => {
    const loss = (from: number) => ({ from, to: from + 10, why: "503" });
    const times = steady(5000, 12_100);
    const excused = withClient(harmless(), "api", { times, losses: [loss(6000)] });
    expect(verdict(excused, "stop", "edge", "e2e-edge")).toEqual([]);
    const late = withClient(harmless(), "api", { times, losses: [loss(13_000)] });
    expect(verdict(late, "stop", "edge", "e2e-edge")).toEqual(["api: lost 1: 8000 ms: 503"]);
    expect(verdict(excused, "stop", "agent", "e2e-agent")).toHaveLength(2);
  });

  it("misses a lost write whoever the victim is", () => {
    const losses = [{ from: 0, to: 0, why: "write 7 is not there" }];
    const seen = withClient(harmless(), "mongodb", { losses });
    expect(verdict(seen, "kill", "mongodb primary", "e2e-mongodb-0")).toEqual([
      "mongodb: lost 1: -5000 ms: write 7 is not there",
    ]);
  });

  it("counts convergence from the return of the store, not from the first save after it", () => {
    const seen = harmless();
    const saves = seen.saves.filter(({ at }) => at <= 5000 || at >= 13_500);
    const late: Seen = { ...seen, store: steady(5000, 8000), saves };
    const times = (of: Seen) => convergence(of, "pause", "mongodb primary", "e2e-mongodb-0");
    expect(times(late)).toEqual([{ what: "the store was back", ms: 5550 }]);
    const soon: Seen = { ...seen, store: steady(5000, 8000) };
    expect(times(soon)).toEqual([{ what: "the store was back", ms: 50 }]);
  });

  it("is not content when there was nothing to converge on", () => {
    const seen = harmless();
    const none: Seen = { ...seen, saves: seen.saves.filter(({ at }) => at < 5000) };
    expect(verdict(none, "pause", "agent", "e2e-agent")).toEqual([
      "nothing was saved after the fault",
    ]);
    const late: Seen = { ...seen, store: [...steady(), 25_000] };
    expect(verdict(late, "pause", "agent", "e2e-agent")).toEqual([]);
  });

  it("waits for a replica that was the victim from its return only", () => {
    const seen = harmless();
    const [first = "", second = ""] = REPLICAS;
    const own = (at: number) => [
      { mark: 1, at: 50 },
      { mark: 200, at },
    ];
    const shown = (at: number): Seen => ({
      ...seen,
      served: { ...seen.served, [second]: own(at) },
    });
    expect(verdict(shown(16_000), "pause", "replica", second)).toEqual([]);
    expect(convergence(shown(18_000), "pause", "replica", second)).toContainEqual({
      what: `${second} was back`,
      ms: 6000,
    });
    const never: Seen = { ...seen, served: { ...seen.served, [second]: own(16_000).slice(0, 1) } };
    expect(verdict(never, "pause", "replica", second)).toEqual([
      `${second} was back, and not all replicas served it`,
    ]);
    expect(verdict(never, "pause", "replica", first).length).toBeGreaterThan(0);
  });
});

describe("returns of a store", () => {
  it("are the ends of gaps that are long enough, whoever told of them first", () => {
    const times = [300, 100, 200, 2000, 2100, 2500, 9000];
    expect(returns(times, 0)).toEqual([2000, 9000]);
    expect(returns(times, 2050)).toEqual([9000]);
  });
});
