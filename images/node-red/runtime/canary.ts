/**
 * One worker applies each revision before all others do, so that a revision that ends processes ends one and not
 * all of them. The others wait for its word, which costs them the time that it needs. Whoever comes first tries;
 * an editor has its own deploys already.
 *
 * A worker notes what it applies in its own folder, before it does. When its next start finds the note, its
 * process ended by it, or within a few seconds after, and the revision is held: nobody applies it, all serve the
 * one before. A hold is not for ever, because a kill at the wrong moment looks the same: after a while one worker
 * tries again. A newer revision knows nothing of it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Boots } from "./boots.ts";
import type { Role } from "./environment.ts";
import { type Logger, reasonOf } from "./log.ts";
import { persist } from "./retry.ts";
import type { Trial, Version } from "./store/trials.ts";
import type { FlowSet, FlowStore } from "./store/types.ts";

/** More than the gate (5 s) and a restart of flows (30 s) may take, and than a held event loop lives. */
const LEASE_MS = 45_000;
/** Until a revision that ended processes is tried once more, by one worker. Then only a deploy helps. */
const PAUSES_MS = [60_000, 10 * 60_000];
/** A process that lives this long after flows have started did not end by them. */
const SETTLED_MS = 5000;
/** First and longest pause between two questions, and how it grows: a share of what the trial takes. */
const ASK_MS = 10;
const LONGEST_ASK_MS = 200;
const GROWTH = 1.2;
/** Without any answer of the store for so long nobody waits: it is no reason to serve nothing. */
const STORE_MS = 3000;
/** Who serves nothing yet starts with an older revision after this. */
const START_MS = 5000;
/** Before it gives its word, a worker answers for this share of the time that it needed, unless that was short. */
const MOMENT_SHARE = 0.1;
const SHORT_MS = 200;
const LONGEST_MOMENT_MS = 1000;

/** This worker must not apply a revision now. */
export class Held extends Error {}

export interface CanaryOptions {
  store: FlowStore;
  boots: Boots;
  role: Role;
  worker: string;
  log: Logger;
}

/** Why a revision is held, for people. */
export const heldText = ({ revision, worker }: Pick<Trial, "revision" | "worker">): string =>
  `held: revision ${revision} ended ${worker} while it was applied`;

/** One worker's part in trying revisions. */
export class Canary {
  private readonly options: CanaryOptions;
  /** The revision that this worker tries for the others. */
  private trying: Version | undefined;
  private settling: NodeJS.Timeout | undefined;

  constructor(options: CanaryOptions) {
    this.options = options;
  }

  /**
   * At the start: tells by what the last run ended, and keeps an editor from starting what is held. It has to
   * answer, so that people can repair the flows.
   */
  async begin(initial: FlowSet | null): Promise<void> {
    const { store, boots, role, worker, log } = this.options;
    const { endedBy } = boots;
    if (role === "instance") return;
    try {
      if (endedBy) {
        const { state } = await store.trials.fail(endedBy, worker, PAUSES_MS);
        log.error("the last run ended while it applied a revision", { ...endedBy, state });
        boots.applies(undefined);
      }
      if (role !== "editor" || boots.mode !== "normal" || initial === null) return;
      const held = (await this.heldTrials()).find(({ writeId }) => writeId === initial.writeId);
      if (held) boots.holdBack(held.revision, `the process of ${held.worker} ended`);
    } catch (error) {
      log.warn("the trials of revisions were not read", { reason: reasonOf(error) });
    }
  }

  /**
   * Resolves when this worker may apply a revision; false when something newer came instead.
   * @param serving false: it serves nothing yet, and does not wait long.
   * @throws {Held}
   */
  async enter(set: FlowSet, serving: boolean, isOutdated: () => boolean): Promise<boolean> {
    if (this.options.role !== "instance" && !(await this.mayApply(set, serving, isOutdated))) {
      return false;
    }
    this.applies(set);
    return true;
  }

  /** Notes what is applied from now on. */
  applies(version: Version): void {
    if (this.options.role === "instance") return;
    this.options.boots.applies(version);
    this.forgetAfter(LEASE_MS);
  }

  /** A restart of flows is over. */
  settle(): void {
    this.forgetAfter(SETTLED_MS);
  }

  /** It was applied, or could not be: others may, or somebody else may try. */
  async leave(applied: boolean, tookMs: number): Promise<void> {
    const { trying } = this;
    const { store, worker, log } = this.options;
    this.settle();
    this.trying = undefined;
    if (trying === undefined) return;
    if (applied && tookMs > SHORT_MS) {
      await sleep(Math.min(tookMs * MOMENT_SHARE, LONGEST_MOMENT_MS));
    }
    const tell = () => store.trials.end(trying, worker, applied);
    await persist("the end of a trial was not told", tell, log);
  }

  /** The newest revision before `version` that is not held. */
  async lastGood({ revision }: Version): Promise<FlowSet | null> {
    const { store } = this.options;
    const held = new Set((await this.heldTrials()).map(({ writeId }) => writeId));
    for (const { revision: old } of await store.history()) {
      const set = old < revision ? await store.readRevision(old) : null;
      if (set !== null && !held.has(set.writeId)) return set;
    }
    return null;
  }

  private async heldTrials(): Promise<Trial[]> {
    return (await this.options.store.trials.list()).filter(({ state }) => state === "held");
  }

  private async mayApply(set: FlowSet, serving: boolean, isOutdated: () => boolean) {
    const begin = performance.now();
    let trial: Trial | undefined;
    let answered = begin;
    for (let pause = ASK_MS; ; pause = Math.min(pause * GROWTH, LONGEST_ASK_MS)) {
      const answer = await this.ask(set);
      if (answer) answered = performance.now();
      trial = answer ?? trial;
      if (isOutdated()) return false;
      if (trial && this.isMineOrOver(trial)) return true;
      if (trial && !serving && answered - begin > START_MS) {
        throw new Held(`waits: ${trial.worker} tries revision ${set.revision} first`);
      }
      if (performance.now() - answered > (trial ? LEASE_MS : STORE_MS)) {
        this.options.log.warn("nobody tells whether a revision was tried", {
          revision: set.revision,
        });
        return true;
      }
      await sleep(pause);
    }
  }

  /** @throws {Held} when it ended the process that tried it. */
  private isMineOrOver(trial: Trial): boolean {
    if (trial.state === "held") throw new Held(heldText(trial));
    if (trial.state === "applied") return true;
    if (trial.worker !== this.options.worker) return false;
    this.trying = trial;
    return true;
  }

  /** What is known; undefined when the store does not say so in time: it may hang. */
  private ask({ revision, writeId }: FlowSet): Promise<Trial | undefined> {
    const { store, worker, log } = this.options;
    const version = { revision, writeId };
    const answer = store.trials.take(version, worker, LEASE_MS).catch((error) => {
      log.debug("the trial was not asked for", { reason: reasonOf(error) });
      return undefined;
    });
    return Promise.race([answer, sleep(STORE_MS, undefined, { ref: false })]);
  }

  private forgetAfter(ms: number): void {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.options.boots.applies(undefined), ms).unref();
  }
}
