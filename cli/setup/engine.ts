import { spawn } from "node:child_process";
import { existsSync, openSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Engine, engine } from "../engine/client.ts";
import { CliError, EXIT, explain } from "../errors.ts";
import { LOCAL } from "../pulumi/places.ts";
import { installMissing, whichSystem } from "./apt.ts";
import { run } from "./exec.ts";
import { readJson, writeAtomic } from "./files.ts";
import { isAlive, startTime } from "./process.ts";
import { type Note, step } from "./progress.ts";

const LOG = join(LOCAL, "dockerd.log");
const RECORD = join(LOCAL, "engine.json");
/** Longest wait for an engine that was started, in milliseconds. */
const START_TIMEOUT = 60_000;
/** Longest wait for an answer to a ping, in milliseconds: a busy machine may take seconds. */
const PING_TIMEOUT = 10_000;
/**
 * Addresses for networks. The engine's own pools hold 31 networks, and each tenant has one: /24s out
 * of a part of 172.16.0.0/12 hold 1024.
 */
const ADDRESS_POOL = "base=172.20.0.0/14,size=24";

/** An engine that a set-up has started itself, not a service. */
export interface StartedEngine {
  pid: number;
  /** Start time of the process, in ticks since boot: with the id it names one process for ever. */
  start: string | undefined;
}

/** Sees to it that a Docker engine answers: uses the one there is, starts or installs one. */
export async function ensureEngine(): Promise<Engine> {
  const docker = engine();
  if (await answers(docker)) return docker;
  if (process.env.DOCKER_HOST) {
    throw new CliError({
      ...explain(await pingError(docker)),
      fix: "start that engine, or unset DOCKER_HOST to use one on this machine",
      exitCode: EXIT.engine,
    });
  }
  const denied = (await pingError(docker)) as NodeJS.ErrnoException | undefined;
  if (denied?.code === "EACCES") throw new CliError(explain(denied));
  await step("Docker engine: packages", (note) =>
    installMissing({ dockerd: "docker.io", iptables: "iptables" }, note),
  );
  // The package may have started its service already.
  await step("Docker engine: start", (note) => start(docker, note));
  return docker;
}

/** The engine that an earlier set-up has started by hand and that still runs. */
export async function startedEngine(): Promise<StartedEngine | undefined> {
  const record = await readJson<StartedEngine>(RECORD);
  return record && isAlive(record.pid) && startTime(record.pid) === record.start
    ? record
    : undefined;
}

async function pingError(docker: Engine): Promise<unknown> {
  const tooSlow = new Promise((resolve) => {
    setTimeout(resolve, PING_TIMEOUT, new Error("the Docker engine does not answer")).unref();
  });
  return Promise.race([
    docker.ping().then(
      () => undefined,
      (error: unknown) => error,
    ),
    tooSlow,
  ]);
}

const answers = async (docker: Engine): Promise<boolean> => (await pingError(docker)) === undefined;

async function start(docker: Engine, note: Note): Promise<string> {
  if (await answers(docker)) return "runs";
  assertRoot();
  const service = existsSync("/run/systemd/system");
  const options = { timeoutSeconds: 60, onLine: note, survives: true };
  if (service) await run("systemctl", ["start", "docker"], options);
  else await startDaemon();
  for (const end = Date.now() + START_TIMEOUT; Date.now() < end; ) {
    if (await answers(docker)) return service ? "by systemd" : `dockerd, log in ${LOG}`;
    if (!service && !(await startedEngine())) break;
    await sleep(200);
  }
  throw new CliError({
    what: "the Docker engine was started and does not answer",
    why: service ? "systemctl status docker says more" : lastLines(LOG),
    fix: service ? "journalctl -u docker" : `look at ${LOG}, then run dockerd by hand`,
    exitCode: EXIT.engine,
  });
}

function assertRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new CliError({
    what: "the Docker engine is not running",
    why: "only root can start it",
    fix: "sudo systemctl start docker (and add your user to the group docker)",
    exitCode: EXIT.engine,
  });
}

async function startDaemon(): Promise<void> {
  const binary = (await whichSystem("dockerd")) ?? "dockerd";
  await mkdir(LOCAL, { recursive: true });
  const log = openSync(LOG, "a");
  const child = spawn(binary, daemonOptions(daemonFile()), {
    detached: true,
    cwd: "/",
    stdio: ["ignore", log, log],
    // A service has neither a terminal nor this clone's Node first on PATH.
    env: { ...process.env, PATH: `/usr/local/sbin:/usr/sbin:/sbin:${process.env.PATH}` },
  });
  child.on("error", () => {});
  child.unref();
  const record: StartedEngine = { pid: child.pid ?? 0, start: startTime(child.pid ?? 0) };
  await writeAtomic(RECORD, `${JSON.stringify(record)}\n`);
}

function daemonFile(): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync("/etc/docker/daemon.json", "utf8")) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Options for dockerd; what its own file sets must not be given twice. */
export function daemonOptions(file: Record<string, unknown>): string[] {
  const options: string[] = [];
  if (!("exec-opts" in file)) options.push("--exec-opt", "native.cgroupdriver=cgroupfs");
  if (!("default-address-pools" in file)) options.push("--default-address-pool", ADDRESS_POOL);
  return options;
}

function lastLines(file: string): string {
  try {
    return readFileSync(file, "utf8").trim().split("\n").slice(-8).join("\n");
  } catch {
    return "it left no log";
  }
}
