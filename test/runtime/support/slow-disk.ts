import { exec } from "../../../cli/engine/exec.ts";
import { engine } from "../../support/engine.ts";
import type { Runtime } from "./runtime.ts";

/** Hands out the file's content, to one reader after the other. */
const HAND_OUT = "while :; do cat /tmp/package.json > package.json; sleep 0.2; done";
const SCRIPT = `cd /data && cp package.json /tmp && mkfifo pipe && mv pipe package.json && (${HAND_OUT}) &`;

/**
 * Lets every read of the package file in Node-RED's folder wait, as a busy disk does, for as long as the runtime
 * lives. Each start of flows reads it twice.
 */
export async function slowDown(runtime: Runtime): Promise<void> {
  const { code, stderr } = await exec(engine, runtime.id, ["sh", "-c", SCRIPT]);
  if (code !== 0) throw new Error(`the disk is not slow: ${stderr}`);
}
