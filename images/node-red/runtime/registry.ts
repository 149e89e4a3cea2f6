/** Reports this worker to the flow store: on each change, and every ten seconds. */
import { type Logger, reasonOf } from "./log.ts";
import type { Status } from "./status.ts";
import type { FlowStore } from "./store/types.ts";

const HEARTBEAT_MS = 10_000;

/** A running registration. */
export interface Registration {
  /** Clean exit: the worker leaves the list at once. */
  leave(): Promise<void>;
}

/** Registers the worker. A store that is away costs nothing but the report. */
export function register(store: FlowStore, status: Status, log: Logger): Registration {
  let sending: Promise<void> | undefined;
  let again = false;
  let left = false;

  const send = async () => {
    do {
      again = false;
      await store.reportWorker(status.report()).catch((error) => {
        log.debug("the worker registry was not reached", { reason: reasonOf(error) });
      });
    } while (again && !left);
    sending = undefined;
  };
  const report = () => {
    if (left) return;
    again = true;
    sending ??= send();
  };

  status.on("change", report);
  const timer = setInterval(report, HEARTBEAT_MS);
  timer.unref();
  report();

  return {
    async leave() {
      left = true;
      clearInterval(timer);
      await sending;
      await store.removeWorker(status.identity.worker);
    },
  };
}
