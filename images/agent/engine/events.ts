import { addAbortSignal, type Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { log, reason } from "../log.ts";
import type { EngineClient, Filters } from "./client.ts";

/** The part of an engine event that tells whose it is. */
export interface EngineEvent {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes?: Record<string, string> };
}

// Without exec events: every health check makes three.
const filters: Filters = {
  type: ["container", "network", "volume"],
  event: ["create", "start", "die", "destroy", "remove", "rename", "connect", "disconnect"],
};

/**
 * Whether an event may concern the stack. Containers carry their labels; networks and volumes
 * only a name, so a foreign object of a like name may pass: an event is a hint, never the truth.
 */
export function concerns(stack: string, event: EngineEvent): boolean {
  const attributes = event.Actor.Attributes ?? {};
  if (event.Type === "container") return attributes["redfleet.stack"] === stack;
  return (attributes.name ?? event.Actor.ID).startsWith(`${stack}-`);
}

/** The lines of a stream, to its end or its failure; readline would wait for ever on a cut one. */
async function* lines(stream: Readable): AsyncGenerator<string> {
  let rest = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream) {
    const parts = `${rest}${chunk}`.split("\n");
    rest = parts.pop() ?? "";
    yield* parts.filter((part) => part !== "");
  }
}

/** Calls `on.event` for each event of the stack, and `on.connect` whenever the stream is (re)opened. */
export async function followEvents(
  engine: EngineClient,
  stack: string,
  on: { connect: () => void; event: (event: EngineEvent) => void },
  signal: AbortSignal,
): Promise<void> {
  for (let wait = 250; !signal.aborted; wait = Math.min(wait * 2, 2000)) {
    try {
      const query = { filters: JSON.stringify(filters) };
      const stream = await engine.open({ path: "/events", query, timeout: 0 });
      addAbortSignal(signal, stream);
      wait = 125;
      on.connect();
      for await (const line of lines(stream)) {
        const event = JSON.parse(line) as EngineEvent;
        if (concerns(stack, event)) on.event(event);
      }
      if (!signal.aborted) log("warn", "the engine closed the event stream, reconnecting");
    } catch (error) {
      if (!signal.aborted) log("warn", "cannot follow the engine", { reason: reason(error) });
    }
    if (!signal.aborted) await sleep(wait);
  }
}
