import type { Part } from "./part.ts";

/** Observed state of a container, a tenant or a cluster. */
export type State = "stopped" | "starting" | "running" | "stopping" | "error";

/** A state and, unless it is simply running, why. */
export interface Observation {
  state: State;
  reason: string;
}

/** Exit codes of a process that was asked to stop: 0, SIGTERM, SIGKILL after the grace period. */
const STOP_CODES = new Set([0, 137, 143]);

/**
 * Judges one container from the engine's description alone.
 * @param lastLine its last log line, which says more than an exit code
 */
export function observePart(part: Part, lastLine = ""): Observation {
  switch (part.status) {
    case "running":
      return observeRunning(part, lastLine);
    case "created":
      return part.engineError
        ? { state: "error", reason: part.engineError }
        : { state: "starting", reason: "created, not started yet" };
    case "paused":
      return {
        state: "error",
        reason: `paused on the engine: docker unpause ${part.name} lets it go on`,
      };
    case "removing":
      return { state: "stopping", reason: "being removed" };
    default:
      return observeExit(part, lastLine);
  }
}

function observeRunning(part: Part, lastLine: string): Observation {
  if (part.health === "unhealthy") {
    return { state: "error", reason: withDetail("unhealthy", part.healthOutput) };
  }
  if (part.health === "starting") {
    const waits = "waits for its first good health check";
    if (part.restartCount === 0) return { state: "starting", reason: waits };
    const again = `${waits} (${part.restartCount} restarts so far)`;
    return { state: "starting", reason: withDetail(again, lastLine) };
  }
  return { state: "running", reason: "" };
}

/**
 * A container that has ended. With a restart policy the engine starts a crashed one again, so one
 * that stays down with a stop's exit code was stopped by somebody.
 */
function observeExit(part: Part, lastLine: string): Observation {
  if (part.oomKilled) {
    const limit = part.memory > 0 ? ` (limit ${Math.round(part.memory / 2 ** 20)} MiB)` : "";
    return { state: "error", reason: `killed: out of memory${limit}` };
  }
  if (part.engineError) return { state: "error", reason: part.engineError };
  const code = `exit code ${part.exitCode}`;
  if (part.status === "restarting") {
    const again = `restarts after ${code} (${part.restartCount} times so far)`;
    return { state: "error", reason: withDetail(again, lastLine) };
  }
  if (STOP_CODES.has(part.exitCode)) {
    return { state: "stopped", reason: `stopped on the engine (${code})` };
  }
  return { state: "error", reason: withDetail(`ended with ${code}`, lastLine) };
}

/**
 * State of a whole from the states of its members: it runs if all run, and one that lacks a
 * member is in error, whatever the others do.
 */
export function combine(states: readonly State[]): State {
  const [first] = states;
  if (first === undefined) return "stopped";
  if (states.every((state) => state === first)) return first;
  const order: State[] = ["error", "stopping", "starting"];
  const mixed = states.includes("stopped") && states.includes("running");
  return mixed ? "error" : (order.find((state) => states.includes(state)) ?? "error");
}

const DETAIL_LENGTH = 200;

function withDetail(text: string, detail: string): string {
  const line = detail.trim().split("\n").at(-1) ?? "";
  return line === "" ? text : `${text}: ${line.slice(0, DETAIL_LENGTH)}`;
}
