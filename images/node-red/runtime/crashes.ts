/** What ends a process from within. */
import { type Logger, reasonOf } from "./log.ts";

/**
 * A flow's lost rejection costs a line in the log; a thrown error leaves an unknown state behind, and the process
 * ends. So it does when its health check finds that a flow holds the event loop: see images/node-red/health.
 * @param abandon answers the requests that the process had begun. Without an answer the edge would hand them to the
 * next one, and what ended this process might end them all.
 */
export function reportCrashes(log: Logger, abandon: () => void): void {
  const fields = (error: unknown) => ({
    reason: reasonOf(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
  process.on("unhandledRejection", (error) => log.error("unhandled rejection", fields(error)));
  process.on("uncaughtException", (error) => {
    try {
      log.error("uncaught exception, the process ends", fields(error));
      abandon();
    } finally {
      process.exit(1);
    }
  });
}
