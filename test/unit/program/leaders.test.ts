import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Election, type LockStore } from "../../../images/node-red/runtime/leader/election.ts";
import { leaseOf } from "../../../images/node-red/runtime/leader/leaders.ts";
import { createLogger } from "../../../images/node-red/runtime/log.ts";

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
