import type { Admin } from "../support/admin.ts";
import { addressOf, type Inspected } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { endpoint, type FlowNode, tab } from "../support/flows.ts";
import { pause } from "../support/wait.ts";
import type { Client, Loss } from "./clients.ts";

/** A saved flow set, known by its growing mark, at a moment of `performance.now()`. */
export interface Marked {
  readonly mark: number;
  readonly at: number;
}

/** Between two saves, and between two looks at a replica, in milliseconds. */
const SAVE_PACE = 400;
const LOOK_PACE = 40;

/** The flow that a scenario reads and changes. */
export const markedFlow = (mark: number | string): FlowNode[] => [
  tab("faults"),
  ...endpoint("faults", "faults", "/faults", String(mark)),
];

let lastMark = 0;

/** A mark above all before it. */
function nextMark(): number {
  lastMark = Math.max(lastMark + 1, Date.now());
  return lastMark;
}

/** Somebody who deploys all the while, through the edge, and tries again when it is refused. */
export class Saver implements Client {
  readonly name = "saver";
  readonly times: number[] = [];
  /** The saves that were acknowledged. */
  readonly saves: Marked[] = [];
  private readonly admin: Admin;
  private readonly loop: Promise<void>;
  private stopped = false;

  constructor(admin: Admin) {
    this.admin = admin;
    this.loop = this.work();
  }

  private async work(): Promise<void> {
    while (!this.stopped) {
      const mark = nextMark();
      const ended = await this.save(mark).catch(() => 100);
      await pause(ended);
    }
  }

  /** @returns how long to pause then. */
  private async save(mark: number): Promise<number> {
    await this.admin.deployTabs(markedFlow(mark));
    const at = performance.now();
    this.saves.push({ mark, at });
    this.times.push(at);
    return SAVE_PACE;
  }

  /** @returns the last acknowledged save, if it is neither stored nor followed by a later one. */
  async stop(): Promise<Loss[]> {
    this.stopped = true;
    await this.loop;
    const { flows } = await this.admin.flows();
    const text = flows.find(({ id }) => id === "faults-fn")?.func;
    const stored = Number(/"(\d+)"/.exec(String(text))?.[1]);
    const last = this.saves.at(-1);
    if (last === undefined || stored >= last.mark) return [];
    return [{ from: last.at, to: last.at, why: `saved ${last.mark}, stored ${stored}` }];
  }
}

/** Somebody who asks one replica itself, not the edge, which revision it serves. */
export class Follower implements Client {
  readonly name: string;
  readonly times: number[] = [];
  /** Each mark when it was first served. */
  readonly served: Marked[] = [];
  private readonly losses: Loss[] = [];
  private readonly loop: Promise<void>;
  private container: Inspected;
  private stopped = false;

  constructor(container: Inspected) {
    this.name = container.Name.slice(1);
    this.container = container;
    this.loop = this.work();
  }

  private async work(): Promise<void> {
    while (!this.stopped) {
      const from = performance.now();
      try {
        this.note(await this.ask());
      } catch (error) {
        this.losses.push({ from, to: performance.now(), why: String(error) });
        // It may have another address when it comes back.
        const known = this.container;
        this.container = await engine
          .getContainer(known.Id)
          .inspect()
          .catch(() => known);
      }
      await pause(LOOK_PACE);
    }
  }

  private async ask(): Promise<number> {
    const url = `http://${addressOf(this.container, "-edge")}:1880/red-nodes/faults`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${text.slice(0, 80)}`);
    return Number((JSON.parse(text) as { mark: string }).mark);
  }

  private note(mark: number): void {
    const at = performance.now();
    this.times.push(at);
    if (mark > (this.served.at(-1)?.mark ?? 0)) this.served.push({ mark, at });
  }

  async stop(): Promise<Loss[]> {
    this.stopped = true;
    await this.loop;
    return this.losses;
  }
}
