import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { runningOf } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { run } from "../support/process.ts";
import { report } from "../support/report.ts";
import { E2E } from "../support/stack.ts";
import { until } from "../support/wait.ts";
import { MongoWriter, ValkeyWriter } from "./clients.ts";
import { healed } from "./fault.ts";
import { prepareScenario } from "./scenario.ts";

const PID_FILE = "/var/run/docker.pid";

let platform: Platform;

describe("the engine restarted", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
    await prepareScenario(platform);
  });

  it("brings every container back, with everything that was acknowledged", async () => {
    const before = await runningOf(E2E.name);
    const mongodb = await MongoWriter.start(`${E2E.name}-tenant-acme`);
    const valkey = await ValkeyWriter.start(E2E.name);
    const started = Date.now();
    await restartEngine();
    await until("all containers run", async () => {
      return (await runningOf(E2E.name)).length === before.length;
    });
    await healed(E2E.name);
    await until(
      "the API serves",
      async () => (await platform.client.ask("main", "/red-nodes/faults")).status === 200,
      { seconds: 60 },
    );
    report("engine restart: until everything is healthy", (Date.now() - started) / 1000, "s");
    expect((await mongodb.stop()).lost, "MongoDB").toEqual([]);
    expect((await valkey.stop()).lost, "Valkey").toEqual([]);
    const restarted = new Set((await runningOf(E2E.name)).map((entry) => entry.State.StartedAt));
    for (const { State: state, Name: name } of before) {
      expect(restarted.has(state.StartedAt), `${name} was restarted`).toBe(false);
    }
  });
});

/** Restarts the engine the way it was started: as a service, or with its own command line. */
async function restartEngine(): Promise<void> {
  if (existsSync("/run/systemd/system")) await run("systemctl", ["restart", "docker"]);
  else await restartDaemon();
  await until("the engine answers", () => engine.ping(), { seconds: 60 });
}

async function restartDaemon(): Promise<void> {
  const pid = Number(readFileSync(PID_FILE, "utf8"));
  const [command = "dockerd", ...args] = strings(`/proc/${pid}/cmdline`);
  const variables = strings(`/proc/${pid}/environ`).map((entry) => {
    const at = entry.indexOf("=");
    return [entry.slice(0, at), entry.slice(at + 1)];
  });
  process.kill(pid, "SIGTERM");
  await until("the engine has ended", () => !existsSync(`/proc/${pid}`), { seconds: 120 });
  const env = Object.fromEntries(variables);
  spawn(command, args, { detached: true, stdio: "ignore", env, cwd: "/" }).unref();
}

const strings = (file: string) => readFileSync(file, "utf8").split("\0").filter(Boolean);
