// What every command needs before TypeScript can run: Node 24 and the dependencies of this clone.
// Plain JavaScript for Node 20 and newer, without any dependency.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const MODULES = join(ROOT, "node_modules");
const STAMP = join(MODULES, ".redfleet-lock");
const INSTALLER = join(ROOT, ".redfleet", "npm.pid");
const LEAST_NODE = 24;
/** Longest wait for `npm ci`, in milliseconds. */
const INSTALL_TIMEOUT = 600_000;

/** Runs a TypeScript file of this clone under Node 24 and ends with its exit code. */
export async function launch(file, args) {
  try {
    installDependencies();
    const code = await exec(nodeBinary(), [join(ROOT, file), ...args]);
    process.exitCode = code;
  } catch (error) {
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  }
}

/** `npm ci`, unless what lies in node_modules is what package-lock.json says. */
function installDependencies() {
  const text = readFileSync(join(ROOT, "package-lock.json"));
  const digest = createHash("sha256").update(text).digest("hex");
  if (read(STAMP) === digest) return;
  if (!isInstalled(JSON.parse(text.toString()))) {
    endOrphan();
    console.error("installing the dependencies (npm ci) …");
    mkdirSync(dirname(INSTALLER), { recursive: true });
    // npm writes its own process id: if this process is killed, the next run ends that npm first.
    const script = `echo $$ > "${INSTALLER}"; exec npm ci --no-audit --no-fund --loglevel=error`;
    const options = { cwd: ROOT, stdio: ["ignore", 2, 2], timeout: INSTALL_TIMEOUT };
    const { status } = spawnSync("sh", ["-c", script], options);
    if (status !== 0) throw new Error("npm ci failed: see above; then run the command again");
    rmSync(INSTALLER, { force: true });
  }
  writeFileSync(STAMP, digest);
}

/** npm lists what it has installed at the very end, so a broken install is never taken for a whole one. */
function isInstalled(lock) {
  const hidden = read(join(MODULES, ".package-lock.json"));
  if (hidden === undefined) return false;
  const present = JSON.parse(hidden).packages;
  const wanted = Object.entries(lock.packages).filter(([path]) => path.includes("node_modules/"));
  return wanted.every(([path, { version, optional, peer }]) => {
    const found = present[path];
    return found ? found.version === version : optional === true || peer === true;
  });
}

/** Ends an npm that goes on although the command that started it was killed. */
function endOrphan() {
  const pid = Number(read(INSTALLER));
  if (!pid || !(read(`/proc/${pid}/cmdline`) ?? "").includes("npm")) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has just ended
  }
}

function nodeBinary() {
  if (Number(process.versions.node.split(".")[0]) >= LEAST_NODE) return process.execPath;
  const packaged = join(MODULES, `node-${process.platform}-${process.arch}`, "bin", "node");
  if (existsSync(packaged)) return packaged;
  throw new Error(
    `Node ${LEAST_NODE} is needed and this is ${process.version}; there is no npm package of it for ` +
      `${process.platform} ${process.arch}: install it from nodejs.org`,
  );
}

/** Runs a program in the place of this one: same terminal, signals handed on. */
function exec(command, args) {
  // Whatever is started below finds the same Node first, and what it has compiled before.
  const PATH = [dirname(command), process.env.PATH].join(delimiter);
  const NODE_COMPILE_CACHE = join(ROOT, ".redfleet", "compile-cache");
  const env = { NODE_COMPILE_CACHE, ...process.env, PATH };
  const child = spawn(command, args, { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // A terminal's Ctrl-C reaches the child by itself.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
