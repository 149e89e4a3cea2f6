/**
 * One worker applies each revision before all others do, so that a revision that ends processes ends one and not
 * all of them. The others wait for its word, which costs them the time that it needs. Whoever comes first tries;
 * an editor has its own deploys already.
 *
 * A worker notes what it applies in its own folder, before it does, and strikes that out when it has lived on for
 * a few seconds, or is told to stop. A start that finds a note tells: the process ended by that revision. Was it the
 * one that tried, it tries once more and with more care, because a kill at the wrong moment looks the same; the others
 * wait on. When that ends it as well the revision is held: nobody applies it, all serve the one before, and after a
 * while one worker tries again. Was it any other, the revision is in doubt, and tried anew before anybody else applies
 * it. A newer revision knows nothing of all that.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Boots } from "./boots.ts";
import type { Role } from "./environment.ts";
import { type Logger, reasonOf } from "./log.ts";
import { inTime, persist } from "./retry.ts";
import { type Trial, trialsIn, type Version } from "./store/trials.ts";
import type { FlowSet, FlowStore, Revision } from "./store/types.ts";
import { Part } from "./trial.ts";

/** More than the gate (5 s) and a restart of flows (30 s) may take, and than a held event loop lives. */
const LEASE_MS = 45_000;
/** Until a held revision is tried again, by one worker. The last one again and again. */
const PAUSES_MS = [60_000, 10 * 60_000];
/** A process that lives this long after flows have started did not end by them. */
const SETTLED_MS = 5000;
/** First and longest pause between two questions, and how it grows: a share of what the trial takes. */
const ASK_MS = 10;
const LONGEST_ASK_MS = 200;
const GROWTH = 1.2;
/**
 * A store that does not say in this time whether anybody tries is not waited for: it is no reason to serve nothing.
 * Once it has named somebody, the others wait for the whole lease: what is tried may be what the store suffers from.
 */
const STORE_MS = 3000;
/** Before it gives its word, a worker answers for this share of the time that it needed, unless that was short. */
const MOMENT_SHARE = 0.1;
const SHORT_MS = 200;
const LONGEST_MOMENT_MS = 1000;

/** This worker must not apply a revision now: it ended a process. */
export class Held extends Error {}

export interface CanaryOptions {
  store: FlowStore;
  boots: Boots;
  role: Role;
  worker: string;
  /** Aborts when this process is told to stop: from then on it tries nothing and notes nothing. */
  signal: AbortSignal;
  log: Logger;
}

/** Why a revision is held, for people. */
export const heldText = ({ revision, worker }: Pick<Trial, "revision" | "worker">): string =>
  `held: revision ${revision} ended ${worker} while it was applied`;

/** One worker's part in trying revisions. */
export class Canary {
  private readonly options: CanaryOptions;
  /** What is tried or waited for now. */
  private part: Part | undefined;
  /** The words that are still to be given. */
  private ending: Promise<void> = Promise.resolve();
  /** What ended the last run, until the store knows. */
  private untold: Version | undefined;
  private telling: Promise<unknown> = Promise.resolve();
  /** What is applied, or was a moment ago. */
  private noted: Version | undefined;
  private settling: NodeJS.Timeout | undefined;
  /** What an editor has not started. */
  private heldBack: Version | undefined;

  constructor(options: CanaryOptions) {
    const { role, boots, signal } = options;
    this.options = options;
    if (role !== "instance") this.untold = boots.endedBy;
    signal.addEventListener("abort", () => this.note(undefined));
  }

  /**
   * At the start: tells by what the last run ended, and keeps an editor from starting what is held. It has to
   * answer, so that people can repair the flows.
   */
  async begin(initial: FlowSet | null): Promise<void> {
    const { store, boots, role, log } = this.options;
    if (this.untold) this.telling = this.tell(this.untold);
    await inTime("the end of the last run was not told", this.telling, STORE_MS, log);
    if (role !== "editor" || boots.mode !== "normal" || initial === null) return;
    try {
      const held = (await trialsIn("held", store.trials)).get(initial.writeId);
      if (held === undefined) return;
      this.heldBack = held;
      boots.holdBack(held.revision, `the process of ${held.worker} ended`);
    } catch (error) {
      log.warn("the trials of revisions were not read", { reason: reasonOf(error) });
    }
  }

  private async tell(version: Version): Promise<void> {
    const { store, boots, role, worker, signal, log } = this.options;
    // An editor starts its flows without a trial: somebody else has to try.
    const leaseMs = role === "editor" ? 0 : LEASE_MS;
    const tell = () => store.trials.fail(version, worker, [leaseMs, ...PAUSES_MS]);
    const { state } = await persist("the end of the last run was not told", tell, log, signal);
    log.error("the last run ended while it applied a revision", { ...version, state });
    this.untold = undefined;
    this.note(this.noted);
    // What is held ends it no more, so this is no loop.
    if (state === "held") boots.forgive();
  }

  /** True when the revision that an editor has not started was tried again and did no harm. */
  async isReleased(): Promise<boolean> {
    const { heldBack, options } = this;
    if (heldBack === undefined) return false;
    return (await trialsIn("applied", options.store.trials)).has(heldBack.writeId);
  }

  /**
   * Resolves when this worker may apply a revision; false when it is not wanted any more: something newer came,
   * or the process is told to stop.
   * @throws {Held}
   */
  async enter(set: FlowSet, isOutdated: () => boolean): Promise<boolean> {
    const { role, signal } = this.options;
    const isUnwanted = () => signal.aborted || isOutdated();
    if (isUnwanted()) return false;
    if (role !== "instance" && !(await this.mayApply(set, isUnwanted))) return false;
    this.applies(set);
    return true;
  }

  /** Notes what is applied from now on. */
  applies(version: Version): void {
    this.note(version);
    this.forgetAfter(LEASE_MS);
  }

  /** A restart of flows is over. */
  settle(): void {
    this.forgetAfter(SETTLED_MS);
  }

  /** It was applied, or could not be: others may, or somebody else may try. */
  leave(applied: boolean, tookMs: number): void {
    const { part, ending } = this;
    this.part = undefined;
    this.settle();
    if (part === undefined) return;
    const ended = part.end(async () => applied && (await this.lives(part.trial, tookMs)));
    this.ending = Promise.all([ending, ended]).then(() => {});
  }

  /** The process was told to stop: what it tries is tried by somebody else, at once. */
  stop(): Promise<void> {
    this.leave(false, 0);
    return this.ending;
  }

  /** The time in which a revision shows that it does no harm, which is longer for one that has done some. */
  private lives(trial: Trial | undefined, tookMs: number): Promise<boolean> {
    const usual = tookMs > SHORT_MS ? Math.min(tookMs * MOMENT_SHARE, LONGEST_MOMENT_MS) : 0;
    const ms = trial?.failures ? SETTLED_MS : usual;
    const { signal } = this.options;
    return ms === 0 ? Promise.resolve(true) : sleep(ms, true, { signal }).catch(() => false);
  }

  /**
   * What may be applied in place of a held revision: those before it that are not held, newest first.
   * @param isWanted false: neither this one nor any before it.
   */
  async *before({ revision }: Version, isWanted: (old: Revision) => boolean) {
    const { store } = this.options;
    const [held, history] = await Promise.all([trialsIn("held", store.trials), store.history()]);
    for (const old of history) {
      if (old.revision >= revision || held.has(old.writeId)) continue;
      if (!isWanted(old)) return;
      const set = await store.readRevision(old.revision);
      if (set !== null) yield set;
    }
  }

  /** The newest revision, up to `initial`, that did no harm: its packages may be loaded before anything is tried. */
  harmless(initial: Revision): Promise<Revision | undefined> {
    const { store, log, signal } = this.options;
    const find = async () => {
      const applied = await trialsIn("applied", store.trials);
      if (applied.has(initial.writeId)) return initial;
      const isHarmless = ({ revision, writeId }: Revision) =>
        revision < initial.revision && applied.has(writeId);
      return (await store.history()).find(isHarmless);
    };
    return persist("the trials of revisions were not read", find, log, signal);
  }

  /** @throws {Held} */
  private async mayApply(set: FlowSet, isUnwanted: () => boolean): Promise<boolean> {
    await this.checkTold(set);
    const part = new Part(this.options, set, LEASE_MS);
    this.part = part;
    let since = performance.now();
    let known: Trial | undefined;
    for (let pause = ASK_MS; ; pause = Math.min(pause * GROWTH, LONGEST_ASK_MS)) {
      await part.ask(STORE_MS);
      if (isUnwanted()) return false;
      const { trial } = part;
      if (trial?.state === "held") throw new Held(heldText(trial));
      if (trial?.state === "applied" || part.isOwn) return true;
      // Somebody else has taken it over, or the same one tries once more.
      const isSame = trial?.worker === known?.worker && trial?.failures === known?.failures;
      if (!isSame) since = performance.now();
      known = trial;
      if (performance.now() - since > (trial ? LEASE_MS : STORE_MS)) {
        const { revision } = set;
        this.options.log.warn("nobody tells whether a revision was tried", { revision });
        return true;
      }
      await sleep(pause);
    }
  }

  /** What ended this very worker is not applied before the others can know. @throws {Held} */
  private async checkTold({ revision, writeId }: FlowSet): Promise<void> {
    if (this.untold?.writeId !== writeId) return;
    const { worker, log } = this.options;
    await inTime("the end of the last run was not told", this.telling, STORE_MS, log);
    if (this.untold) throw new Held(heldText({ revision, worker }));
  }

  private forgetAfter(ms: number): void {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.note(undefined), ms).unref();
  }

  /** A process that is told to stop, and one without others beside it, notes nothing. */
  private note(version: Version | undefined): void {
    const { boots, role, signal } = this.options;
    if (role === "instance") return;
    this.noted = signal.aborted ? undefined : version;
    // One note: what was not told comes back when the other one is struck out.
    boots.applies(this.noted ?? this.untold);
  }
}
