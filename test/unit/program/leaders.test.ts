import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLoneLeaders } from "../../../images/node-red/runtime/leader/alone.ts";
import { Election, type LockStore } from "../../../images/node-red/runtime/leader/election.ts";
import { leaseOf } from "../../../images/node-red/runtime/leader/leaders.ts";
import { createLogger, type Fields } from "../../../images/node-red/runtime/log.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const log = createLogger("error", { component: "test" });
const fences = () => {
  let fence = 0;
  return async () => ++fence;
};

/** A store with one lock, which never ends by itself. */
function oneLock(): LockStore {
  let token: string | null = null;
  return {
    acquire: async (_lock, wanted, leaseMs) => {
      const busyMs = token === null ? 0 : leaseMs;
      token ??= wanted;
      return [busyMs, token];
    },
    extend: async (_lock, own) => token === own,
    release: async (_lock, own) => {
      const had = token === own;
      if (had) token = null;
      return had;
    },
    owner: async () => token,
  };
}

test.each([5, 10, 30, 3600])(
  "a lone worker that hands over leads again after a moment, with a TTL of %i s",
  async (seconds) => {
    const election = new Election({
      ...{ lock: "job", worker: "only", leaseMs: leaseOf(seconds * 1000), store: oneLock() },
      ...{ nextFence: fences(), onChange: () => {}, log },
    });
    await vi.advanceTimersByTimeAsync(100);
    expect(election.state).toMatchObject({ leads: true, fence: 1 });
    expect(await election.handOver()).toBe(true);
    await vi.advanceTimersByTimeAsync(2000);
    expect(election.state).toEqual({ leads: false });
    await vi.advanceTimersByTimeAsync(1000);
    expect(election.state).toMatchObject({ leads: true, fence: 2 });
    await election.end();
  },
);

/** Leaders of a worker that has nobody beside it, whose flow store fails with these words until there are none left. */
function alone(failures: string[]) {
  const warned: Fields[] = [];
  const next = fences();
  const nextFence = async () => {
    const failure = failures.shift();
    if (failure !== undefined) throw new Error(failure);
    return next();
  };
  const warn = (_msg: string, fields: Fields = {}) => warned.push(fields);
  return { leaders: createLoneLeaders("only", nextFence, { ...log, warn }), warned };
}

test("a worker without others says once why it cannot lead, and leads as soon as it can", async () => {
  const { leaders, warned } = alone(["away", "away", "away", "still away"]);
  const seen: unknown[] = [];
  const candidacy = leaders.join("job", 10_000, () => seen.push(candidacy.state));
  await vi.advanceTimersByTimeAsync(4100);
  const lead = { leads: true, fence: 1, leader: "only" };
  const problems = ["away", "still away"];
  expect(seen).toEqual([...problems.map((problem) => ({ leads: false, problem })), lead]);
  expect(candidacy.state).toEqual(lead);
  expect(await leaders.handOver("job")).toEqual({ released: false, leader: "only" });
  expect(warned).toEqual(problems.map((reason) => ({ lock: "job", reason })));
});

test("a worker without others that does not lead names no leader, and a removed node asks no more", async () => {
  const { leaders, warned } = alone(["away", "away", "away"]);
  expect(await leaders.handOver("job")).toEqual({ released: false });
  const onChange = vi.fn();
  await leaders.join("job", 10_000, onChange).leave(true);
  await vi.advanceTimersByTimeAsync(5000);
  expect(onChange).not.toHaveBeenCalled();
  expect(warned).toEqual([]);
});
