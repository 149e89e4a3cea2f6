/** One Node-RED process in its role: editor, replica or instance. */
import { launch } from "./launch.ts";
import { createLogger, reasonOf } from "./log.ts";

/** Launches, and ends the process when that fails. */
export async function run(): Promise<void> {
  try {
    await launch();
  } catch (error) {
    // SIGTERM before anything was served.
    if (error instanceof Error && error.name === "AbortError") process.exit(0);
    createLogger("error", { component: "node-red" }).error("the runtime failed", {
      reason: reasonOf(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
    process.exit(1);
  }
}
