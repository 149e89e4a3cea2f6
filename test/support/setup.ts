import { existsSync } from "node:fs";
import { ensureBases } from "../../cli/setup/bases/index.ts";
import { ensureEngine, type StartedEngine, startedEngine } from "../../cli/setup/engine.ts";
import { startTime } from "../../cli/setup/process.ts";
import { ensurePulumi } from "../../cli/setup/toolchain/pulumi.ts";
import { engine } from "./engine.ts";
import { run } from "./process.ts";
import { until } from "./wait.ts";

/** True if this run has started the engine. */
let isOwnEngine = false;

/** A Docker engine: the one there is, or one that `stopEngine` ends again. */
export async function setUpEngine(): Promise<void> {
  const before = await startedEngine();
  await ensureEngine();
  const after = await startedEngine();
  isOwnEngine = after !== undefined && after.pid !== before?.pid;
}

/** Base images, pulled or built. */
export async function setUpBases(): Promise<void> {
  await ensureBases(engine);
}

/** The Pulumi command line and its plugins. */
export async function setUpPulumi(): Promise<void> {
  await ensurePulumi();
}

/** Stops the engine if this run has started it; the one that a test has put in its place too. */
export async function stopEngine(): Promise<void> {
  const own = isOwnEngine ? await startedEngine() : undefined;
  if (own !== undefined) await end(own);
  isOwnEngine = false;
}

/**
 * Restarts the engine by the way it was started: by its service, or by the set-up, which then knows
 * the new one.
 */
export async function restartEngine(): Promise<void> {
  const own = await startedEngine();
  if (own !== undefined) {
    await end(own);
    await ensureEngine();
  } else if (existsSync("/run/systemd/system")) {
    await run("systemctl", ["restart", "docker"], { seconds: 120 });
  } else {
    throw new Error("neither a service nor the set-up of this clone has started this engine");
  }
  await until("the engine answers", () => engine.ping(), { seconds: 60 });
}

/** Ends an engine together with its containers' shims and waits until it is gone. */
async function end({ pid, start }: StartedEngine): Promise<void> {
  process.kill(pid, "SIGTERM");
  await until("the engine has ended", () => startTime(pid) !== start, { seconds: 120 });
}
