import { existsSync } from "node:fs";
import { redfleet } from "../hint.ts";
import { pulumiBinary } from "../pulumi/environment.ts";
import { tryRun } from "../setup/exec.ts";
import { PLUGINS, type PluginName, PULUMI, pluginDirectory } from "../setup/toolchain/versions.ts";
import { type Check, fail, ok, warn } from "./check.ts";

const NODE_MAJOR = 24;

/** Node, the Pulumi command and its provider plugins. */
export async function checkTools(): Promise<Check[]> {
  const plugins = (Object.keys(PLUGINS) as PluginName[]).map(checkPlugin);
  return [checkNode(process.versions.node), await checkPulumi(), ...plugins];
}

/** @param version for example `24.21.0` */
export function checkNode(version: string): Check {
  const major = Number(version.split(".")[0]);
  if (major >= NODE_MAJOR) return ok("node", version);
  return fail("node", `${version}: too old`, `install Node ${NODE_MAJOR}, or run npm install here`);
}

async function checkPulumi(): Promise<Check> {
  const options = { env: { PULUMI_SKIP_UPDATE_CHECK: "true" }, timeoutSeconds: 30 };
  const { code, stdout, tail } = await tryRun(pulumiBinary(), ["version"], options);
  const version = stdout.trim().replace(/^v/, "");
  if (code !== 0) return fail("pulumi", firstLine(tail), `${redfleet("up")} installs it`);
  if (version === PULUMI) return ok("pulumi", version);
  return warn("pulumi", `${version} instead of ${PULUMI}`, `${redfleet("up")} installs it`);
}

const firstLine = (text: string): string => text.trim().split("\n")[0] || "does not run";

function checkPlugin(name: PluginName): Check {
  const version = PLUGINS[name];
  if (existsSync(pluginDirectory(name))) return ok(`plugin ${name}`, version);
  return fail(`plugin ${name}`, `${version} is missing`, `${redfleet("up")} installs it`);
}
