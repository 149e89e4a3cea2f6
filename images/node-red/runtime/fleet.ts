/** The editor's view of the replicas: kept up to date, and pushed into open editors. */
import type { EventEmitter } from "node:events";
import { type Logger, reasonOf } from "./log.ts";
import type { Status } from "./status.ts";
import type { FlowStore } from "./store/types.ts";

/** Silent replicas leave the list without a change in the store. */
const REFRESH_MS = 5000;
/** Topic of the editor's plugin. */
const TOPIC = "redfleet/fleet";

/** Follows the worker registry. `refresh` is also called on each change that the store tells. */
export function followFleet(
  store: FlowStore,
  status: Status,
  events: EventEmitter,
  log: Logger,
): { refresh(): void; stop(): void } {
  let reading = false;
  let again = false;
  let published = "";

  const publish = () => {
    const { revision, replicas = [] } = status.document();
    const shown = replicas.map(({ lastSeen, ...replica }) => replica);
    const data = { revision, live: status.live, total: shown.length, replicas: shown };
    const text = JSON.stringify(data);
    if (text === published) return;
    published = text;
    events.emit("comms", { topic: TOPIC, data, retain: true });
  };
  const read = async () => {
    do {
      again = false;
      try {
        const workers = await store.workers();
        status.replicas = workers.filter((worker) => worker.role === "replica");
        publish();
      } catch (error) {
        log.debug("the worker registry was not read", { reason: reasonOf(error) });
      }
    } while (again);
    reading = false;
  };
  const refresh = () => {
    again = true;
    if (reading) return;
    reading = true;
    void read();
  };

  status.on("change", publish);
  const timer = setInterval(refresh, REFRESH_MS);
  timer.unref();
  refresh();
  return { refresh, stop: () => clearInterval(timer) };
}
