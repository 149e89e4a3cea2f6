import { pulumi } from "../stackfile/outputs.ts";
import { type Check, fail, ok, warn } from "./check.ts";

const NODE_MAJOR = 24;
/** Versions that the lock file pins; the plugins must be of the same. */
const PLUGINS = { docker: "5.2.0", random: "4.21.2" };

/** Node, the Pulumi command and its provider plugins. */
export async function checkTools(): Promise<Check[]> {
  const [cli, plugins] = await Promise.all([checkPulumi(), checkPlugins()]);
  return [checkNode(process.versions.node), cli, ...plugins];
}

/** @param version for example `24.21.0` */
export function checkNode(version: string): Check {
  const major = Number(version.split(".")[0]);
  if (major >= NODE_MAJOR) return ok("node", version);
  return fail("node", `${version}: too old`, `install Node ${NODE_MAJOR}, or run npm install here`);
}

async function checkPulumi(): Promise<Check> {
  const { code, stdout, stderr } = await pulumi(["version"]);
  if (code === 0 && stdout.trim() !== "") return ok("pulumi", stdout.trim());
  return fail("pulumi", stderr.trim() || "does not run", "redfleet up installs it");
}

async function checkPlugins(): Promise<Check[]> {
  const { code, stdout } = await pulumi(["plugin", "ls", "--json"]);
  const list = code === 0 && stdout.trim() !== "" ? stdout : "[]";
  const installed = JSON.parse(list) as { name: string; version: string }[];
  return Object.entries(PLUGINS).map(([name, version]) => {
    const versions = installed.filter((one) => one.name === name).map((one) => one.version);
    const title = `plugin ${name}`;
    if (versions.includes(version)) return ok(title, version);
    const found = versions.length > 0 ? `${versions.join(", ")} instead of ${version}` : "missing";
    return warn(title, found, "redfleet up installs it");
  });
}
