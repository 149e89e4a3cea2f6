/** A worker without Valkey has nobody beside it: it leads. */
import { type Logger, reasonOf } from "../log.ts";
import type { Candidacy, LeaderState, Leaders, NextFence } from "./types.ts";

const RETRY_MS = 1000;

/** Leads every lock as soon as it has a fencing number: a restarted runtime leads after its former self. */
export function createLoneLeaders(worker: string, nextFence: NextFence, log: Logger): Leaders {
  const leading = new Set<string>();
  return {
    worker,
    join(lock, _ttlMs, onChange): Candidacy {
      let state: LeaderState = { leads: false };
      let left = false;
      const change = (next: LeaderState) => {
        state = next;
        if (!left) onChange();
      };
      const fail = (problem: string) => {
        if (left || (!state.leads && state.problem === problem)) return;
        log.warn("no fencing number, so no leader", { lock, reason: problem });
        change({ leads: false, problem });
      };
      const ask = () => {
        if (left) return;
        nextFence(lock).then(
          (fence) => {
            leading.add(lock);
            change({ leads: true, fence, leader: worker });
          },
          (error) => {
            fail(reasonOf(error));
            setTimeout(ask, RETRY_MS).unref();
          },
        );
      };
      ask();
      return {
        get state() {
          return state;
        },
        leave: async () => {
          left = true;
        },
      };
    },
    // There is nobody to lead instead.
    handOver: async (lock) => ({
      released: false,
      ...(leading.has(lock) && { leader: worker }),
    }),
    close: async () => {},
  };
}
