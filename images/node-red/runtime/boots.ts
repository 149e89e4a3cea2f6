/**
 * The guard against boot loops. A runtime whose flows end its process again and again starts without flows
 * (safe mode), so that somebody can repair them; when it ends there again and again as well, Node-RED is not
 * started any more. A clean end, by `redfleet restart` for example, forgets all that.
 *
 * The rule is FlowFuse's: five crashes whose runs took less than 30 s on average, or whose lengths deviate
 * by less than 2 s from their mean.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Version } from "./store/trials.ts";

const CRASHES = 5;
const SHORT_SECONDS = 30;
const ALIKE_SECONDS = 2;
/** A run is written down each second while it is young: a kill leaves no time for it. */
const YOUNG_SECONDS = 60;
const YOUNG_BEAT_MS = 1000;
const OLD_BEAT_MS = 10_000;
const FILE = ".redfleet-boots.json";

export type BootMode = "normal" | "safe" | "stopped";

/** What one run of the process leaves to the next one. Times are of the clock, in milliseconds. */
export interface Boot {
  mode: BootMode;
  /** Lengths of the runs before that ended by a crash, in seconds. */
  crashes: number[];
  /** The crashes that led to this mode, for people. */
  reason: string;
  /** Revision that ran last: what ends the process when nothing else does. */
  revision: number;
  startedAt: number;
  aliveAt: number;
  clean: boolean;
  /** The revision that it applies, or has applied a moment ago. */
  applying?: Version | undefined;
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function isLoop(crashes: readonly number[]): boolean {
  if (crashes.length < CRASHES) return false;
  const usual = mean(crashes);
  const deviation = mean(crashes.map((seconds) => Math.abs(seconds - usual)));
  return usual < SHORT_SECONDS || deviation < ALIKE_SECONDS;
}

/** The next run after what the last one left. */
export function nextBoot(before: Boot | undefined, now: number): Boot {
  const fresh = { startedAt: now, aliveAt: now, clean: false };
  const { revision = 0 } = before ?? {};
  if (!before || before.clean) {
    return { mode: "normal", crashes: [], reason: "", revision, ...fresh };
  }
  const run = (before.aliveAt - before.startedAt) / 1000;
  const crashes = [...before.crashes, run].slice(-CRASHES);
  const { mode, reason } = before;
  if (mode === "stopped" || !isLoop(crashes)) return { mode, crashes, reason, revision, ...fresh };
  const said = `the process ended ${CRASHES} times, after ${mean(crashes).toFixed(1)} s on average`;
  const next = mode === "normal" ? "safe" : "stopped";
  return { mode: next, crashes: [], reason: said, revision, ...fresh };
}

/** The record of one runtime, in its folder. */
export class Boots {
  private readonly file: string;
  private readonly boot: Boot;
  /** The revision that the last run applied when it ended, not because it was told to. */
  readonly endedBy: Version | undefined;

  /** Decides in which mode this run is, and keeps its record until the process ends. */
  constructor(folder: string) {
    this.file = join(folder, FILE);
    const before = this.read();
    this.endedBy = before?.applying;
    // Kept until it was told: the store may be away.
    this.boot = { ...nextBoot(before, Date.now()), applying: this.endedBy };
    this.beat();
    process.once("exit", (code) => {
      this.boot.clean = code === 0;
      this.keep();
    });
  }

  get mode(): BootMode {
    return this.boot.mode;
  }

  /** Why this run is not as any other, for people. */
  get problem(): string | undefined {
    const { mode, reason, revision } = this.boot;
    if (mode === "normal") return undefined;
    if (mode === "stopped")
      return `stopped: ${reason}, in safe mode as well; a restart tries again`;
    return `safe mode: flows do not run, with revision ${revision} ${reason}; a deploy starts them`;
  }

  /** True for flows that must not start by themselves. */
  withholds(revision: number): boolean {
    return this.mode === "stopped" || (this.mode === "safe" && revision <= this.boot.revision);
  }

  /** Flows of this revision start now, because nothing speaks against it or because people want it. */
  runs(revision: number): void {
    if (this.boot.mode === "normal" && this.boot.revision === revision) return;
    Object.assign(this.boot, { mode: "normal", reason: "", revision });
    this.keep();
  }

  /** Notes the revision that is applied from now on, before it can do any harm; or that none is. */
  applies(version: Version | undefined): void {
    if (version?.writeId === this.boot.applying?.writeId) return;
    this.boot.applying = version && { revision: version.revision, writeId: version.writeId };
    this.keep();
  }

  /** The crashes so far were no loop. */
  forgive(): void {
    this.boot.crashes = [];
    this.keep();
  }

  /** Starts no flows, because of what other runs or workers came to by this revision. */
  holdBack(revision: number, reason: string): void {
    Object.assign(this.boot, { mode: "safe", crashes: [], reason, revision });
    this.keep();
  }

  private read(): Boot | undefined {
    try {
      return JSON.parse(readFileSync(this.file, "utf8")) as Boot;
    } catch {
      // None yet, or one that is damaged: nothing is known.
      return undefined;
    }
  }

  private beat(): void {
    this.keep();
    const young = Date.now() - this.boot.startedAt < YOUNG_SECONDS * 1000;
    setTimeout(() => this.beat(), young ? YOUNG_BEAT_MS : OLD_BEAT_MS).unref();
  }

  private keep(): void {
    this.boot.aliveAt = Date.now();
    try {
      // In one step: half a record would forget the crashes that the guard counts.
      writeFileSync(`${this.file}.new`, JSON.stringify(this.boot));
      renameSync(`${this.file}.new`, this.file);
    } catch {
      // A full disk must not end what runs.
    }
  }
}
