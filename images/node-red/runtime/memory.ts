/**
 * Gives memory back while nobody waits. V8 collects when something is allocated; a process that has
 * started, or has had a busy hour, and then idles keeps all that it ever needed: about a third.
 */
import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const CHECK_MS = 2000;
/** Busy share of the event loop below which a process idles. */
const IDLE = 0.05;
/** Not worth a pause of about 100 ms below this growth since the last time. */
const GROWTH_BYTES = 8 * 1024 * 1024;

/**
 * A collection stops the process for some 7 ms a megabyte that is in use, twice: 7 s were measured with 3,100 function
 * nodes, whose first deploy waited for it. Beyond this heap V8 is left alone, which collects in small steps.
 */
const MOST_BYTES = 96 * 1024 * 1024;

type Collect = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

/** The strongest collection that V8 has: it also drops compiled code that nobody runs. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as Collect;
  setFlagsFromString("--no-expose-gc");
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
}

/** @param trimmed resident bytes after the last collection, 0 before the first one. */
export const isWorthIt = (
  { rss, heapUsed }: Pick<NodeJS.MemoryUsage, "rss" | "heapUsed">,
  trimmed: number,
): boolean => heapUsed <= MOST_BYTES && rss >= trimmed + GROWTH_BYTES;

/** Looks every two seconds, for as long as the process lives. */
export function trimWhenIdle(isBusy: () => boolean): void {
  let trimmed = 0;
  let seen = performance.eventLoopUtilization();
  const check = () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, seen);
    seen = now;
    if (utilization > IDLE || isBusy()) return;
    if (!isWorthIt(process.memoryUsage(), trimmed)) return;
    collectGarbage();
    trimmed = process.memoryUsage.rss();
  };
  setInterval(check, CHECK_MS).unref();
}
