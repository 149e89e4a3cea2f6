import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import Docker from "dockerode";
import { installMissing } from "../../cli/setup/apt.ts";
import { commandLine, isAlive } from "../../cli/setup/process.ts";
import { copyClone } from "./clone.ts";
import { connect, disconnect, linkOf } from "./machine-network.ts";
import { type Finished, ROOT, type Running, type RunOptions, start } from "./process.ts";
import { succeeded } from "./stack.ts";
import { until } from "./wait.ts";

/** Where machines keep their files: a disk, because compilers' caches and images need gigabytes. */
const PLACE = "/var/tmp";
const PREFIX = "redfleet-machine-";

/** What the first process does: hides the engine and the work of this machine, then collects orphans. */
const INIT = [
  "set -e",
  'mount --bind "$1/run" /run',
  'mount --bind "$1/docker" /var/lib/docker',
  "mount -t tmpfs tmpfs /dev/shm",
  "touch /run/up",
  "while :; do sleep 3600 & wait $!; done",
].join("\n");

const STOP_ENGINE =
  'kill "$(cat /run/docker.pid)" && while [ -e /run/docker.pid ]; do sleep 0.2; done';

/**
 * A bare machine inside this one: a fresh copy of the clone, empty caches, no engine; its own network,
 * behind this machine's address, and its own processes. What runs in it ends with it. Needs root.
 */
export class Machine {
  readonly clone: string;
  /** Its address as this machine sees it. */
  readonly address = linkOf(process.pid).inside;
  /** Its engine, once a set-up has started one. */
  readonly engine: Docker;
  private readonly directory: string;
  private readonly init: Running;
  private readonly pid: number;

  private constructor(directory: string, init: Running, pid: number) {
    this.clone = join(directory, "clone");
    this.engine = new Docker({ socketPath: join(directory, "run", "docker.sock") });
    this.directory = directory;
    this.init = init;
    this.pid = pid;
  }

  /** Makes a machine; a test process has one at a time. */
  static async open(): Promise<Machine> {
    await installMissing({ ip: "iproute2", iptables: "iptables" }, () => {});
    await sweepMachines();
    const directory = join(PLACE, `${PREFIX}${process.pid}`);
    const folders = ["run", "docker", "cache", "clone"].map((name) => join(directory, name));
    for (const folder of [...folders, "/var/lib/docker"]) mkdirSync(folder, { recursive: true });
    const init = start("setpriv", initArguments(directory), { seconds: 86_400 });
    const pid = await until("the machine's first process", () => childOf(init.pid));
    const machine = new Machine(directory, init, pid);
    await connect(process.pid, pid);
    await copyClone(machine.clone);
    await until(
      "the machine",
      async () => (await machine.run(["test", "-e", "/run/up"])).code === 0,
    );
    return machine;
  }

  /** Runs a command in its clone to the end. */
  run(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return this.start(command, options).finished;
  }

  /** Starts a command in its clone, in a process group of its own. */
  start(command: readonly string[], options: RunOptions = {}): Running {
    const enter = ["--target", String(this.pid), "--mount", "--net", "--pid", "--", "env"];
    const place = ["-C", this.clone, "-u", "NODE_COMPILE_CACHE", ...this.variables()];
    return start("nsenter", [...enter, ...place, ...command], options);
  }

  /** Runs a `redfleet` command of its clone. @throws with its output when it fails. */
  async redfleet(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return succeeded(await this.run(["node", "cli/bin/redfleet.mjs", ...args], options));
  }

  /** Command lines of what runs in it beside the engine and its containers. */
  processes(): string[] {
    const space = readlinkSync(`/proc/${this.pid}/ns/pid`);
    return processIds()
      .filter((pid) => pid !== this.pid && isAlive(pid) && spaceOf(pid) === space)
      .filter((pid) => !isContained(pid))
      .map(commandLine)
      .filter((command) => command !== "" && !ENGINE.test(command));
  }

  /** Ends everything in it and removes its files. */
  async close(): Promise<void> {
    // An engine that is asked to end leaves no control groups of its containers behind.
    await this.run(["sh", "-c", STOP_ENGINE], { seconds: 60 });
    this.init.kill("SIGKILL");
    await this.init.finished;
    await until("the machine's processes have ended", () => this.isEmpty(), { seconds: 60 });
    await remove(this.directory, process.pid);
  }

  private isEmpty(): boolean {
    return !isAlive(this.pid);
  }

  /** Empty caches, and a PATH without this clone's tools. */
  private variables(): string[] {
    const cache = (name: string) => join(this.directory, "cache", name);
    return [
      `PATH=${barePath()}`,
      `PULUMI_HOME=${cache("pulumi")}`,
      `npm_config_cache=${cache("npm")}`,
      `PIP_CACHE_DIR=${cache("pip")}`,
      `GOCACHE=${cache("go-build")}`,
      `GOMODCACHE=${cache("go-mod")}`,
    ];
  }
}

/** The engine's own processes, and the machine's first one waiting. */
const ENGINE =
  /^(\S*\/)?(dockerd|containerd|containerd-shim\S*|docker-proxy|runc)( |$)|^sleep 3600$/;

/** Removes machines whose test process was killed. */
export async function sweepMachines(): Promise<void> {
  for (const name of readdirSync(PLACE).filter((entry) => entry.startsWith(PREFIX))) {
    const owner = Number(name.slice(PREFIX.length));
    if (!isAlive(owner)) await remove(join(PLACE, name), owner);
  }
}

async function remove(directory: string, owner: number): Promise<void> {
  await disconnect(owner);
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

/** The machine ends with this process, by kill -9 too. */
function initArguments(directory: string): string[] {
  const spaces = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const unshare = ["unshare", ...spaces, "--", "sh", "-c", INIT, "init", directory];
  return ["--pdeathsig", "KILL", "--", ...unshare];
}

/** The system's own programs and npm: no compiler that somebody has installed beside, nothing of this clone. */
function barePath(): string {
  const entries = (process.env.PATH ?? "").split(delimiter);
  const isBare = (entry: string) =>
    /^(\/usr(\/local)?)?\/s?bin$/.test(entry) || existsSync(join(entry, "npm"));
  return entries.filter((entry) => !entry.startsWith(ROOT) && isBare(entry)).join(delimiter);
}

function childOf(pid: number): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return Number(children.trim().split(" ")[0]) || undefined;
}

const processIds = (): number[] => readdirSync("/proc").filter(isNumber).map(Number);

const isNumber = (name: string): boolean => /^\d+$/.test(name);

function spaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** True for a process in a container; one that has just ended is none. */
function isContained(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "utf8").includes("/docker/");
  } catch {
    return true;
  }
}
