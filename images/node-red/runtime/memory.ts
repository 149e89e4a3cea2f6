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

type Collect = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

/** The strongest collection that V8 has: it also drops compiled code that nobody runs. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as Collect;
  setFlagsFromString("--no-expose-gc");
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
}

/** Looks every two seconds, for as long as the process lives. */
export function trimWhenIdle(isBusy: () => boolean): void {
  let trimmed = 0;
  let seen = performance.eventLoopUtilization();
  const check = () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, seen);
    seen = now;
    if (utilization > IDLE || isBusy()) return;
    if (process.memoryUsage.rss() < trimmed + GROWTH_BYTES) return;
    collectGarbage();
    trimmed = process.memoryUsage.rss();
  };
  setInterval(check, CHECK_MS).unref();
}
