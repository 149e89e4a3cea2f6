import { returns } from "../support/store-probe.ts";
import type { Loss } from "./clients.ts";
import type { Marked } from "./cluster-clients.ts";
import type { Action, Fault, Victim } from "./fault.ts";

/** Longest time until all replicas serve the newest revision once the store is back, in milliseconds. */
export const CONVERGENCE = 5000;

/** What one client has to show for itself; times in milliseconds of `performance.now()`. */
export interface Shown {
  readonly name: string;
  readonly times: readonly number[];
  readonly losses: readonly Loss[];
}

/** Everything that was seen of a fault. */
export interface Seen {
  readonly fault: Fault;
  /** What was saved, or came back, until then has to be served: all were healthy again. */
  readonly judged: number;
  readonly clients: readonly Shown[];
  /** When a majority of the document store took a write that was begun then. */
  readonly store: readonly number[];
  readonly saves: readonly Marked[];
  /** By replica: each revision when it was first served. */
  readonly served: Readonly<Record<string, readonly Marked[]>>;
}

/** Clients that nobody can expect to be served while a victim is away. */
export function suffering(action: Action, victim: Victim, container: string): readonly string[] {
  if (victim === "edge") return ["api", "tenant", "saver"];
  if (victim === "editor") return ["saver"];
  if (victim === "replica") return [container];
  // After a kill the first member is back before the others would elect another one.
  if (action === "kill" && victim === "mongodb primary") return ["mongodb", "saver"];
  if (action === "kill" && victim === "valkey primary") return ["valkey"];
  return [];
}

/** Clients that may lose requests: whoever speaks with the victim itself. */
const losing = (victim: Victim, container: string): readonly string[] =>
  victim === "edge" ? ["api", "tenant"] : [container];

/** Everything that is wrong with what was seen; empty when the platform kept its promises. */
export function verdict(seen: Seen, action: Action, victim: Victim, container: string): string[] {
  const excused = suffering(action, victim, container);
  const mayLose = losing(victim, container);
  const measured = convergence(seen, action, victim, container);
  return [
    ...(measured.length === 0 ? ["nothing was saved after the fault"] : []),
    ...seen.clients.flatMap((client) => servedAllTheWhile(client, seen.fault, excused)),
    ...seen.clients.flatMap((client) => lostNothing(client, seen.fault, mayLose)),
    ...measured.flatMap(({ what, ms }) =>
      Number.isFinite(ms) ? [] : [`${what}, and not all replicas served it`],
    ),
  ];
}

/** A client has right answers from before, during (unless it is excused) and after the fault. */
function servedAllTheWhile(
  { name, times }: Shown,
  { begin, proven, end }: Fault,
  excused: readonly string[],
): string[] {
  const phases = {
    before: times.some((time) => time < begin),
    during: excused.includes(name) || times.some((time) => time > proven && time < end),
    after: times.some((time) => time > end),
  };
  return Object.entries(phases).flatMap(([phase, served]) =>
    served ? [] : [`${name}: nothing was acknowledged ${phase} the fault`],
  );
}

/** Whoever may lose something may do so from the fault to the first right answer after it. */
function lostNothing(
  { name, times, losses }: Shown,
  { begin, proven }: Fault,
  mayLose: readonly string[],
): string[] {
  const back = times.find((time) => time > proven) ?? Number.POSITIVE_INFINITY;
  const isExcused = ({ from, to }: Loss) => mayLose.includes(name) && to >= begin && from <= back;
  const bad = losses.filter((loss) => !isExcused(loss));
  const told = bad.slice(0, 3).map(({ from, why }) => `${Math.round(from - begin)} ms: ${why}`);
  return bad.length === 0 ? [] : [`${name}: lost ${bad.length}: ${told.join("; ")}`];
}

/**
 * How long all replicas took to serve the newest revision: from each return of the store, or, when it
 * was not away or nobody could save, from each save. A replica that was the victim itself counts from
 * its return: from its first answer, or from the end of its pause.
 */
export function convergence(
  seen: Seen,
  action: Action,
  victim: Victim,
  container: string,
): { what: string; ms: number }[] {
  const { fault, judged, saves, served, store } = seen;
  const canSave = victim !== "edge" && victim !== "editor";
  const counts = (at: number) => at >= fault.begin && at <= judged;
  const back = canSave ? returns(store, fault.begin).filter(counts) : [];
  const replicas = Object.entries(served).filter(([name]) => name !== container);
  const moments = back.length > 0 ? back : saves.map(({ at }) => at).filter(counts);
  const others = moments.map((at) => ({
    what: back.length > 0 ? "the store was back" : "a save was acknowledged",
    ms: Math.max(...replicas.map(([, marks]) => follows(at, saves, marks))),
  }));
  const own = served[container];
  if (own === undefined) return others;
  const { times = [] } = seen.clients.find(({ name }) => name === container) ?? {};
  const returned = times.find((time) => time > fault.proven) ?? Number.POSITIVE_INFINITY;
  const since = action === "pause" ? fault.end : returned;
  const newest = saves.findLast(({ at }) => at <= since);
  const ms = newest === undefined ? 0 : firstServed(newest, own) - since;
  return [...others, { what: `${container} was back`, ms }];
}

/** From a moment until a replica serves what was saved next. */
function follows(moment: number, saves: readonly Marked[], marks: readonly Marked[]): number {
  const next = saves.find(({ at }) => at >= moment);
  return next === undefined ? Number.POSITIVE_INFINITY : firstServed(next, marks) - moment;
}

function firstServed({ mark }: Marked, marks: readonly Marked[]): number {
  return marks.find((seen) => seen.mark >= mark)?.at ?? Number.POSITIVE_INFINITY;
}
