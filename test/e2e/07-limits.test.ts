import { readdirSync, readFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { containersOf, runningOf } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { endpoint, tab } from "../support/flows.ts";
import { Load } from "../support/load.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { report } from "../support/report.ts";
import { E2E } from "../support/stack.ts";
import { pause, until } from "../support/wait.ts";

const BAD = `${E2E.name}-tenant-acme`;

/** What a hostile tenant runs, and how it shows that it really happened. */
const ATTACKS: readonly { readonly name: string; readonly script: string }[] = [
  {
    name: "eats memory",
    script: "const hold = []; for (;;) hold.push(Buffer.alloc(16 * 1024 * 1024, 1));",
  },
  {
    name: "forks without end",
    script:
      "const { spawn } = require('node:child_process');" +
      "for (;;) spawn('sleep', ['20']).on('error', () => {});",
  },
  {
    name: "spins on every core",
    script:
      "const { spawn } = require('node:child_process');" +
      "for (let i = 0; i < 8; i += 1) spawn(process.execPath, ['-e', 'for (;;);']);" +
      "setTimeout(() => process.exit(), 12000);",
  },
];

let platform: Platform;

/** Starts a script inside the tenant and does not wait for it. */
async function attack(script: string): Promise<void> {
  const run = await engine.getContainer(BAD).exec({ Cmd: ["node", "-e", script] });
  await run.start({ Detach: true });
}

describe("a tenant that misbehaves hurts nobody else", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
    const admin = await platform.login("globex");
    await admin.deployTabs([tab("calm"), ...endpoint("calm", "calm", "/calm", "calm")]);
    await until("the calm tenant serves", async () => (await calm()).status === 200);
  });

  afterEach(async () => {
    await engine.getContainer(BAD).restart({ t: 5 });
    await until("the bad tenant is back", async () => {
      return (await platform.client.ask("acme", "/", { timeout: 3000 })).status === 200;
    });
  });

  it.each(ATTACKS)("that $name", async ({ name, script }) => {
    const before = await identitiesOfOthers();
    const load = new Load({ ask: calm, perSecond: 20 });
    await attack(script);
    await pause(10_000);
    const seen = await load.stop();
    report(`tenant ${name}: p99 of another tenant`, seen.p99, "ms");
    expect(seen.lost).toEqual([]);
    expect(await identitiesOfOthers()).toEqual(before);
    expect(processesOfHost()).toBeLessThan(5000);
  });

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

const calm = () => platform.client.ask("globex", "/calm", { timeout: 10_000 });

/** Everything that runs but the attacker, with its start time. */
async function identitiesOfOthers(): Promise<string[]> {
  const others = (await runningOf(E2E.name)).filter((entry) => entry.Name !== `/${BAD}`);
  return others.map((entry) => `${entry.Name} ${entry.State.StartedAt}`);
}

function processesOfHost(): number {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length;
}
