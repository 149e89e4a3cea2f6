/** Ties the gate to Node-RED's deploys, whoever starts them. */
import type { EventEmitter } from "node:events";
import { type Scope, scopeOf } from "./affected.ts";
import type { Gate } from "./gate.ts";
import { type Comparison, onFlowDiff, wrapDeploys } from "./internals.ts";
import type { NodeRed } from "./node-red.ts";

/** Node-RED gives each node 15 s to close. */
const DEADLINE_MS = 30_000;

const LATE = `Node-RED did not say within ${DEADLINE_MS / 1000} s that the flows have started`;

const everything = (): Scope => ({ tabs: "all", endpoints: new Map() });

/** What the storage module and the reload ask. */
export interface Deploys {
  /** From now on the end of each deploy opens the gate. Called when the first start is over. */
  arm(): void;
  /** Called by the storage module after a save: the restart of nodes follows it at once. */
  beforeRestart(): Promise<void>;
  /** Tabs whose own credentials changed; the next diff restarts them. */
  markTabs(ids: string[]): void;
  /** Resolves when the flows of a deploy that runs now have started. @throws when they have not, in time. */
  started(): Promise<void>;
}

export interface DeploysOptions {
  red: NodeRed;
  gate: Gate;
  /** Awaited before a restart of everything, while requests still pass. */
  beforeAll(): Promise<void>;
  /** The restart of flows of a deploy is over, well or not. */
  onEnd(): void;
  /** Node-RED did not say in time that a deploy is over: what runs is not known. */
  onStuck(problem: string): void;
}

/** Must be called before Node-RED starts. */
export function guardDeploys({ red, gate, beforeAll, onEnd, onStuck }: DeploysOptions): Deploys {
  const deadline = new Deadline((problem) => {
    gate.open();
    onEnd();
    onStuck(problem);
  });
  let comparison: Comparison | undefined;
  // The API for single flows calls Node-RED's setFlows from within, always with this type.
  let type: unknown = "flows";
  let marked: string[] = [];

  onFlowDiff((seen) => {
    seen.diff.flowChanged.push(...marked.filter((id) => !seen.diff.flowChanged.includes(id)));
    marked = [];
    comparison = seen;
  });

  wrapDeploys(red, {
    async setFlows(wanted, deploy) {
      type = wanted ?? "full";
      try {
        return await deploy();
      } finally {
        type = "flows";
      }
    },
    async loadFlows(deploy) {
      await deadline.over;
      await gate.close(everything());
      deadline.begin();
      return deploy();
    },
  });

  return {
    arm: () =>
      onDeployEnd(red.events, () => {
        deadline.end();
        gate.open();
        onEnd();
      }),
    async beforeRestart() {
      // Node-RED answers a deploy before its flows have started, and would start half of one and half of the next.
      await deadline.over;
      const scope = comparison ? scopeOf(type, comparison) : everything();
      comparison = undefined;
      if (scope.tabs === "all") await beforeAll();
      await gate.close(scope);
      deadline.begin();
    },
    markTabs: (ids) => {
      marked = ids;
    },
    started: () => Promise.race([nextStart(red.events), deadline.missed()]),
  };
}

/**
 * Node-RED says "runtime-deploy" after each start, also when types are missing and nothing started. What it says
 * before ("flows:started") would count twice: the second time opens the gate that the next deploy has closed, when
 * that one has waited for this end, and requests are lost to nodes that stop.
 */
function onDeployEnd(events: EventEmitter, listener: () => void): void {
  events.on("runtime-event", ({ id }: { id: string }) => {
    if (id === "runtime-deploy") listener();
  });
}

/** The time that Node-RED has for a restart, from the moment on when it may begin. */
class Deadline {
  private readonly onMissed: (problem: string) => void;
  private timer: NodeJS.Timeout | undefined;
  private reject: ((reason: Error) => void) | undefined;
  private resolve = () => {};
  /** Resolves when no restart is under way: at its end, or when it has missed the deadline. */
  over = Promise.resolve();

  constructor(onMissed: (problem: string) => void) {
    this.onMissed = onMissed;
  }

  begin(): void {
    this.end();
    this.over = new Promise((resolve) => {
      this.resolve = resolve;
    });
    this.timer = setTimeout(() => this.miss(), DEADLINE_MS).unref();
  }

  end(): void {
    clearTimeout(this.timer);
    this.resolve();
  }

  /** Fails when the deadline of the deploy that runs now is missed. */
  missed(): Promise<never> {
    return new Promise((_, reject) => {
      this.reject = reject;
    });
  }

  private miss(): void {
    this.onMissed(LATE);
    this.reject?.(new Error(LATE));
    this.resolve();
  }
}

function nextStart(events: EventEmitter): Promise<void> {
  return new Promise((resolve, reject) => {
    let ran = false;
    const onStarted = () => {
      ran = true;
    };
    const onEvent = ({ id }: { id: string }) => {
      if (id !== "runtime-deploy") return;
      events.off("flows:started", onStarted);
      events.off("runtime-event", onEvent);
      if (ran) resolve();
      else reject(new Error("Node-RED did not start the flows"));
    };
    events.on("flows:started", onStarted);
    events.on("runtime-event", onEvent);
  });
}

/** Why Node-RED did not start flows, as it tells its editor. */
interface Stopped {
  error?: string;
  types?: string[];
  modules?: { module: string }[];
}

function explain({ error, types, modules }: Stopped): string | undefined {
  if (types) return `missing node types: ${types.join(", ")}`;
  if (modules) return `missing modules: ${modules.map(({ module }) => module).join(", ")}`;
  return error;
}

/** Tells of each later start of flows: `undefined`, or why nothing runs. */
export function onStarts(events: EventEmitter, listener: (problem: string | undefined) => void) {
  events.on("runtime-event", ({ id, payload }: { id: string; payload?: Stopped }) => {
    if (id !== "runtime-state" || payload?.error === "credentials_load_failed") return;
    listener(payload?.error ? explain(payload) : undefined);
  });
}

/** How Node-RED's very first start ended: `undefined`, or why nothing runs. */
export function firstStart(events: EventEmitter): Promise<string | undefined> {
  return new Promise((resolve) => {
    const end = (reason?: string) => {
      clearTimeout(timer);
      events.off("flows:started", onStarted);
      events.off("runtime-event", onEvent);
      resolve(reason);
    };
    const onStarted = () => end();
    const onEvent = ({ id, payload }: { id: string; payload?: Stopped }) => {
      if (id !== "runtime-state" || !payload?.error) return;
      // Flows run without credentials that cannot be read; any other error is final.
      if (payload.error !== "credentials_load_failed") end(explain(payload));
    };
    const timer = setTimeout(() => end(LATE), DEADLINE_MS);
    events.on("flows:started", onStarted);
    events.on("runtime-event", onEvent);
  });
}
