import { ensureBases } from "../../cli/setup/bases/index.ts";
import { ensureEngine, startedEngine } from "../../cli/setup/engine.ts";
import { ensurePulumi } from "../../cli/setup/toolchain/pulumi.ts";
import { engine } from "./engine.ts";
import { until } from "./wait.ts";

/** Process id of the engine that this run has started; undefined when one ran before. */
let ownEngine: number | undefined;

/** A Docker engine: the one there is, or one that `stopEngine` ends again. */
export async function setUpEngine(): Promise<void> {
  const before = await startedEngine();
  await ensureEngine();
  const after = await startedEngine();
  if (after !== undefined && after.pid !== before?.pid) ownEngine = after.pid;
}

/** Base images, pulled or built. */
export async function setUpBases(): Promise<void> {
  await ensureBases(engine);
}

/** The Pulumi command line and its plugins. */
export async function setUpPulumi(): Promise<void> {
  await ensurePulumi();
}

/** Stops the engine if this run has started it. */
export async function stopEngine(): Promise<void> {
  if (ownEngine === undefined) return;
  process.kill(ownEngine, "SIGTERM");
  await until("the engine has ended", () => !isAlive(ownEngine), { seconds: 60 });
  ownEngine = undefined;
}

function isAlive(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}
