import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { run } from "../support/process.ts";

/** Where peers are installed: the usual per-user cache. */
export const CACHE = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
  "redfleet",
  "bench",
);

const NODE_RED = "5.0.7";

/** Entry of the peer's Node-RED, installed on first use. */
export async function peerNodeRed(): Promise<string> {
  const folder = join(CACHE, `node-red-${NODE_RED}`);
  const entry = join(folder, "node_modules/node-red/red.js");
  if (existsSync(entry)) return entry;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  const args = ["install", "--save-exact", "--ignore-scripts", "--no-audit", "--no-fund"];
  const code = await run("npm", [...args, `node-red@${NODE_RED}`], { cwd: folder });
  if (code !== 0) throw new Error("the peer's Node-RED could not be installed");
  return entry;
}

/** Installs a Debian package when its command is missing. */
export async function debian(command: string, name: string): Promise<string> {
  const path = ["/usr/bin", "/usr/sbin"].map((folder) => join(folder, command)).find(existsSync);
  if (path !== undefined) return path;
  const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  await run("apt-get", ["-q", "update"], { env });
  const install = ["-q", "install", "-y", "--no-install-recommends", name];
  if ((await run("apt-get", install, { env })) !== 0) {
    throw new Error(`the benchmarks need ${command} (Debian package ${name})`);
  }
  return debian(command, name);
}

/** HTTP load generator. */
export const wrk = (): Promise<string> => debian("wrk", "wrk");

/** The reverse proxy of the HTTP scaling article. */
export const nginx = (): Promise<string> => debian("nginx", "nginx-light");
