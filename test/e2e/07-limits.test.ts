import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type Docker from "dockerode";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { exec } from "../../cli/engine/exec.ts";
import type { Admin } from "../support/admin.ts";
import { containersOf, runningOf } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { endpoint, tab } from "../support/flows.ts";
import type { Answer } from "../support/http.ts";
import { Load } from "../support/load.ts";
import { mongoOf } from "../support/mongo.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { report } from "../support/report.ts";
import { E2E } from "../support/stack.ts";
import { pause, until } from "../support/wait.ts";

const BAD = `${E2E.name}-tenant-acme`;
const bad = engine.getContainer(BAD);

/** What a hostile tenant runs, and how it shows that it really happened. */
interface Attack {
  readonly name: string;
  readonly script: string;
  /** Waits until the limit was hit. */
  happened(run: Docker.Exec): Promise<unknown>;
}

const stats = () => bad.stats({ stream: false });

const ATTACKS: readonly Attack[] = [
  {
    name: "eats memory",
    script: "const hold = []; for (;;) hold.push(Buffer.alloc(16 * 1024 * 1024, 1));",
    // The kernel ends it: SIGKILL.
    happened: (run) => until("it is ended", async () => (await run.inspect()).ExitCode === 137),
  },
  {
    name: "forks without end",
    script:
      "const { spawn } = require('node:child_process');" +
      "setInterval(() => spawn('sleep', ['20']).on('error', () => {}), 1);",
    happened: () =>
      until("the bound on processes is reached", async () => {
        const { HostConfig: host } = await bad.inspect();
        return ((await stats()).pids_stats?.current ?? 0) >= (host.PidsLimit ?? 0) - 1;
      }),
  },
  {
    name: "spins on every core",
    script:
      "const { spawn } = require('node:child_process');" +
      "for (let i = 0; i < 8; i += 1) spawn(process.execPath, ['-e', 'for (;;);']);" +
      "setTimeout(() => process.exit(), 12000);",
    happened: async () => {
      const throttled = async () =>
        (await stats()).cpu_stats.throttling_data?.throttled_periods ?? 0;
      const before = await throttled();
      await until("the kernel holds it back", async () => (await throttled()) > before + 20);
    },
  },
];

let platform: Platform;
let admin: Admin;

/** Starts a script inside the tenant and does not wait for it. */
async function attack(script: string): Promise<Docker.Exec> {
  const run = await bad.exec({ Cmd: ["node", "-e", script] });
  await run.start({ Detach: true });
  return run;
}

const calmFlow = (mark: string) => [tab("calm"), ...endpoint("calm", "calm", "/calm", mark)];

/** Works with others all the while, and proves that they were neither touched nor disturbed. */
async function unharmed(name: string, attacked: () => Promise<unknown>): Promise<void> {
  const before = await identitiesOfOthers();
  const loads = { tenant: load(calm), api: load(api) };
  await pause(1000);
  await Promise.all([attacked(), pause(10_000)]);
  // Somebody else's deploy works meanwhile.
  await admin.deployTabs(calmFlow(name));
  for (const [who, one] of Object.entries(loads)) {
    const seen = await one.stop();
    report(`tenant ${name}: p99 of another's ${who}`, seen.p99, "ms");
    expect(seen.lost, who).toEqual([]);
    expect(seen.sent, who).toBeGreaterThan(150);
  }
  expect(await identitiesOfOthers()).toEqual(before);
  expect(processesOfHost()).toBeLessThan(5000);
}

describe("a tenant that misbehaves hurts nobody else", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
    admin = await platform.login("main");
    await admin.deployTabs(calmFlow("calm"));
    await (await platform.login("globex")).deployTabs(calmFlow("calm"));
    await until("the calm ones serve", async () =>
      (await Promise.all([calm(), api()])).every(({ status }) => status === 200),
    );
  });

  afterEach(async () => {
    await bad.restart({ t: 5 });
    await until("the bad tenant is back", async () => {
      return (await platform.client.ask("acme", "/", { timeout: 3000 })).status === 200;
    });
  });

  it.each(ATTACKS)("that $name", ({ name, script, happened }) =>
    unharmed(name, async () => happened(await attack(script))),
  );

  it("that fills its temporary folder: it is full, and that is all", () =>
    unharmed("fills its temporary folder", async () => {
      const fill = "dd if=/dev/zero of=/tmp/full bs=1M count=4096 2>&1; stat -c %s /tmp/full";
      const { stdout } = await exec(engine, BAD, ["sh", "-c", fill], 60_000);
      expect(stdout).toContain("No space left on device");
      expect(Number(stdout.trim().split("\n").at(-1))).toBeLessThan(65 * 1024 * 1024);
      expect((await platform.client.ask("acme", "/")).status).toBe(200);
    }));

  it("that floods its log: old lines go", () =>
    unharmed("floods its log", async () => {
      const flood = "yes 'a line of a log that nobody wants' | head -c 80000000 > /proc/1/fd/1";
      expect((await exec(engine, BAD, ["sh", "-c", flood], 60_000)).code).toBe(0);
      const { LogPath: path } = await bad.inspect();
      const logs = readdirSync(dirname(path)).filter((file) => file.startsWith(basename(path)));
      const bytes = logs.map((file) => statSync(join(dirname(path), file)).size);
      const sum = bytes.reduce((total, size) => total + size, 0);
      expect(sum).toBeGreaterThan(10 * 1024 * 1024);
      expect(sum).toBeLessThan(35 * 1024 * 1024);
    }));

  it("that writes to its database as fast as it can", () =>
    unharmed("floods its database", async () => {
      const client = await mongoOf(BAD);
      const flood = client.db("tenant-acme").collection("flood");
      const megabyte = () => ({ bytes: randomBytes(1024 * 1024) });
      try {
        for (let round = 0; round < 25; round += 1) {
          await flood.insertMany([megabyte(), megabyte(), megabyte(), megabyte()], {
            ordered: false,
          });
        }
        expect(await flood.countDocuments()).toBe(100);
      } finally {
        await flood.drop();
        await client.close();
      }
    }));

  it("may open as many files as any other part, whatever the engine's default is", async () => {
    for (const { Name: name, State: state } of await runningOf(E2E.name)) {
      const limits = readFileSync(`/proc/${state.Pid}/limits`, "utf8");
      expect(limits, name).toMatch(/^Max open files +16384 +16384 /m);
    }
  });

  it("has a bound on memory, processes and CPU in the kernel", async () => {
    for (const { Name: name, HostConfig: host } of await containersOf(E2E.name, "tenant")) {
      expect(host.Memory, name).toBeGreaterThan(0);
      expect(host.PidsLimit ?? 0, name).toBeGreaterThan(0);
      expect((host.NanoCpus ?? 0) + (host.CpuQuota ?? 0), name).toBeGreaterThan(0);
    }
  });
});

const load = (ask: () => Promise<Answer>) => new Load({ ask, perSecond: 20 });
const calm = () => platform.client.ask("globex", "/calm", { timeout: 10_000 });
const api = () => platform.client.ask("main", "/red-nodes/calm", { timeout: 10_000 });

/** Everything that runs but the attacker, with its start time. */
async function identitiesOfOthers(): Promise<string[]> {
  const others = (await runningOf(E2E.name)).filter((entry) => entry.Name !== `/${BAD}`);
  return others.map((entry) => `${entry.Name} ${entry.State.StartedAt}`);
}

function processesOfHost(): number {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length;
}
