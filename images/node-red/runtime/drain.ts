/** The way out on SIGTERM: unready at once, serve until the edge has noticed, finish, stop, exit. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Gate } from "./gate.ts";
import { type Logger, reasonOf } from "./log.ts";
import type { HttpServer } from "./server.ts";
import type { Status } from "./status.ts";

/** Part of the drain time that the edge gets to notice: two of its checks at the default of 5 s. */
const NOTICE_SHARE = 0.4;
const STEP_MS = 20;
/** Longest time for flows to stop and for the goodbye to the flow store. */
const STOP_MS = 2500;

export interface DrainParts {
  status: Status;
  gate: Gate;
  http: HttpServer;
  drainSeconds: number;
  log: Logger;
  /** Stops flows, leaves the registry, closes the store. */
  stop(): Promise<void>;
}

async function finishRequests(gate: Gate, until: number): Promise<void> {
  while (gate.inFlight + gate.waitingCount > 0 && performance.now() < until) await sleep(STEP_MS);
}

/** Runs the whole way; resolves when the process may exit. At most drainSeconds + 2.5 s. */
export async function drain(parts: DrainParts): Promise<void> {
  const { status, gate, http, drainSeconds, log } = parts;
  const end = performance.now() + drainSeconds * 1000;
  status.update({ state: "draining" });
  http.stopKeepAlive();
  log.info("draining", { seconds: drainSeconds });
  await sleep(drainSeconds * 1000 * NOTICE_SHARE);
  http.server.close();
  http.server.closeIdleConnections();
  await finishRequests(gate, end);
  const left = gate.inFlight;
  if (left > 0) log.warn("requests were cut off", { running: left });
  http.server.closeAllConnections();
  const stopped = parts.stop().catch((error) => {
    log.warn("the stop was not clean", { reason: reasonOf(error) });
  });
  await Promise.race([stopped, sleep(STOP_MS)]);
}
