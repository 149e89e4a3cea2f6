/**
 * Applies stored revisions to the running Node-RED: only what changed restarts. One at a time, the
 * newest wins. A revision that cannot run here is not begun: the one before serves on, and the
 * reason is reported. Where Node-RED fails half-way the next try, with the next look at the store, restarts all.
 */
import { type Canary, Held } from "./canary.ts";
import { changedCredentials, decryptCredentials } from "./credentials.ts";
import type { Deploys } from "./deploys.ts";
import { Histogram } from "./histogram.ts";
import { resetCredentials } from "./internals.ts";
import type { LazyNodes } from "./lazy-nodes.ts";
import { type Logger, reasonOf } from "./log.ts";
import type { FlowNode, NodeRed } from "./node-red.ts";
import { missingFunctionModules, missingTypes } from "./packages/modules.ts";
import type { PackageSwitch } from "./packages/replica.ts";
import { replaces, type Saves } from "./saves.ts";
import type { Status } from "./status.ts";
import { applying } from "./storage.ts";
import type { FlowSet, Revision } from "./store/types.ts";
import type { Turns } from "./turns.ts";

/** Since the start of the process. */
export interface Reloads {
  /** Of the revisions that were applied. */
  readonly durations: Histogram;
  /** Revisions that were not. */
  failures: number;
}

/** Seconds. Few nodes take milliseconds; large flow sets, or a restart of everything, some seconds. */
const RELOAD_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface ReloadOptions {
  red: NodeRed;
  saves: Saves;
  deploys: Deploys;
  status: Status;
  turns: Turns;
  canary: Canary;
  nodes: LazyNodes;
  packages: PackageSwitch;
  secret: string;
  log: Logger;
}

/** Follows the flow sets that the store tells of. */
export class Reloader {
  readonly counters: Reloads = { durations: new Histogram(RELOAD_SECONDS), failures: 0 };
  private readonly options: ReloadOptions;
  private newest: FlowSet | undefined;
  /** What is applied or waited for now. */
  private followed: FlowSet | undefined;
  private running: Promise<void> | undefined;

  constructor(options: ReloadOptions) {
    this.options = options;
  }

  /** Takes note of a flow set; applies it when it came after what runs. */
  offer(set: FlowSet): Promise<void> {
    if (this.isNews(set)) this.newest = set;
    this.running ??= this.work().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private isNews(set: FlowSet): boolean {
    const { saves } = this.options;
    const known = this.newest ?? this.followed;
    if (saves.isOwnWrite(set) || !replaces(set, saves.current)) return false;
    return known === undefined || replaces(set, known);
  }

  private async work(): Promise<void> {
    for (let set = this.newest; set; set = this.newest) {
      this.newest = undefined;
      this.followed = set;
      if (replaces(set, this.options.saves.current)) await this.follow(set);
      this.followed = undefined;
    }
  }

  /** Applies a revision; in place of one that is held, the newest before it that runs here. */
  private async follow(set: FlowSet): Promise<void> {
    const error = await this.attempt(set);
    if (error === undefined) return;
    if (!(error instanceof Held)) {
      this.fail(set, error);
      return;
    }
    await this.fallBack(set);
    this.tellHeld(set, error);
  }

  private async fallBack(set: FlowSet): Promise<void> {
    const { canary, saves, status, log } = this.options;
    const isWanted = (old: Revision) => status.broken || replaces(old, saves.current);
    try {
      for await (const old of canary.before(set, isWanted)) {
        if (this.newest) return;
        const error = await this.attempt(old);
        if (error === undefined) return;
        const reason = reasonOf(error);
        log.warn("an older revision was not applied either", { revision: old.revision, reason });
      }
    } catch (error) {
      // The next look at the store tries again.
      log.warn("no older revision was read", { reason: reasonOf(error) });
    }
  }

  /** @returns why it was not applied; undefined also when something newer is wanted instead. */
  private async attempt(set: FlowSet): Promise<unknown> {
    const { status, turns, canary, packages } = this.options;
    let begin = performance.now();
    let applied = false;
    try {
      await packages.prepare(set);
      if (!(await canary.enter(set, () => this.newest !== undefined))) return undefined;
      status.update({ state: "reloading" });
      begin = performance.now();
      await this.apply(set);
      applied = true;
      this.succeed(set, performance.now() - begin);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      canary.leave(applied, performance.now() - begin);
      turns.end();
    }
  }

  private succeed({ revision }: FlowSet, tookMs: number): void {
    const { status, log } = this.options;
    this.counters.durations.observe(tookMs / 1000);
    const whole = { error: undefined, broken: false, held: false };
    status.update({ state: "running", revision, ...whole });
    log.info("a revision was applied", { revision, ms: Math.round(tookMs) });
  }

  private fail({ revision }: FlowSet, error: unknown): void {
    const { status, log } = this.options;
    this.counters.failures += 1;
    const reason = reasonOf(error);
    status.update({ state: "error", error: `revision ${revision}: ${reason}`, held: false });
    const then = status.broken ? "what runs is not known" : "the one before runs on";
    log.error(`a revision was not applied, ${then}`, {
      ...{ revision, running: status.revision, reason },
    });
  }

  /** Once: it is seen again with each look at the store. */
  private tellHeld({ revision }: FlowSet, { message }: Held): void {
    const { status, log } = this.options;
    if (this.newest) return;
    const isKnown = status.held && status.error === message;
    status.update({ state: "error", error: message, held: true });
    if (isKnown) return;
    log.error("a revision is held back", { revision, running: status.revision, reason: message });
  }

  private async apply(set: FlowSet): Promise<void> {
    const { red, nodes, deploys, saves, packages, status } = this.options;
    const flows = JSON.parse(set.flows) as FlowNode[];
    await nodes.prepare(flows);
    await packages.change(set, () => checkModules(red, flows));
    const credentials = await this.mark(set, flows);
    const box = { set: set as FlowSet | undefined };
    const before = { ...saves.current };
    // What an earlier restart has left is not known: nothing of it is kept.
    const deploymentType = status.broken ? "full" : "nodes";
    try {
      const started = deploys.started();
      const deployed = applying.run(box, () =>
        red.runtime.flows.setFlows({ flows: { flows, credentials }, deploymentType }),
      );
      await Promise.all([deployed, started]);
    } catch (error) {
      // Taken over, so what ran before was stopped.
      if (saves.current.writeId === set.writeId) status.update({ broken: true });
      Object.assign(saves.current, before);
      throw error;
    } finally {
      box.set = undefined;
    }
  }

  /**
   * A diffed deploy does not see changes of stored credentials by itself. A node with a property
   * `credentials` counts as changed, as it does when the editor sends new ones; its content is
   * not used, because all credentials are handed over as they are stored. Tabs are told apart.
   */
  private async mark(set: FlowSet, flows: FlowNode[]): Promise<object | undefined> {
    const { saves, secret, deploys } = this.options;
    if (set.credentials === saves.current.credentials) return undefined;
    const after = decryptCredentials(set.credentials, secret);
    const before = decryptCredentials(saves.current.credentials, secret);
    const changed = changedCredentials(before, after);
    const nodes = flows.filter((node) => changed.has(node.id));
    for (const node of nodes) if (node.type !== "tab") node.credentials = {};
    deploys.markTabs(nodes.filter((node) => node.type === "tab").map((node) => node.id));
    const stored = JSON.parse(set.credentials) as object;
    if ("$" in stored) return stored;
    await resetCredentials(stored);
    return undefined;
  }
}

/** Node-RED would stop what changed and then start nothing at all. */
async function checkModules(red: NodeRed, flows: FlowNode[]): Promise<void> {
  const types = missingTypes(red, flows);
  if (types.length > 0) throw new Error(`missing node types: ${types.join(", ")}`);
  const modules = await missingFunctionModules(red, flows);
  if (modules.length > 0) throw new Error(`missing modules of functions: ${modules.join(", ")}`);
}
