import { readFileSync, writeFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { request } from "undici";
import { beforeAll, describe, expect, it } from "vitest";
import { readFileFrom } from "../../cli/engine/copy.ts";
import { clear } from "../support/clear.ts";
import { identities, runningOf } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { memoryOf } from "../support/memory.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { capture } from "../support/process.ts";
import { report } from "../support/report.ts";
import { leaks, secretsOf, textsOf } from "../support/secrets.ts";
import {
  E2E,
  editStack,
  platformConfig,
  pulumi,
  redfleet,
  stackFile,
  startUp,
  succeeded,
  up,
  writeStack,
} from "../support/stack.ts";
import { until } from "../support/wait.ts";

/** Everything that a second `up` may not touch. */
const ALL = ["mongodb", "valkey", "sentinel", "edge", "agent", "editor", "replica", "tenant"];

let platform: Platform;
/** All that the two runs of `redfleet up` have printed. */
const printed: string[] = [];

describe("up", () => {
  beforeAll(async () => {
    await clear(E2E);
    writeStack(E2E, platformConfig(E2E));
    const before = await trackedChanges();
    const first = await up(E2E);
    printed.push(first.output);
    report("up, caches warm", first.seconds, "s");
    expect(await trackedChanges()).toBe(before);
    platform = await runningPlatform(E2E);
  });

  it("runs every component that the stack file asks for", async () => {
    const running = await runningOf(E2E.name);
    const count = (component: string) =>
      running.filter((entry) => entry.Config.Labels["redfleet.component"] === component).length;
    expect(Object.fromEntries(ALL.map((component) => [component, count(component)]))).toEqual({
      mongodb: 3,
      valkey: 3,
      sentinel: 3,
      edge: 1,
      agent: 1,
      editor: 1,
      replica: 3,
      tenant: 2,
    });
  });

  it("tells what it does, and at its end where everything is and how to log in", () => {
    const lines = stripVTControlCharacters(printed.join("")).split("\n");
    const end = lines.findIndex((line) => line.startsWith(`The stack "${E2E.name}" is up (`));
    const progress = lines.slice(0, end);
    const steps = ["created container", "✓ pulumi up: ", "✓ Everything answers"];
    const at = steps.map((step) => progress.findIndex((line) => line.trim().startsWith(step)));
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    expect(at[0]).toBeGreaterThan(0);
    expect(progress[at[1] ?? 0]).toMatch(/✓ pulumi up: \d+ create \d+\.\d s$/);
    const url = (name: string) => `https://${name}.${E2E.domain}:${E2E.https}/`;
    const login = (name: string) => [
      `${name.padEnd(16)} ${url(name)}`,
      `user admin, password: npx redfleet password ${name} --stack ${E2E.name}`,
    ];
    expect(lines.slice(end + 1).flatMap((line) => line.trim() || [])).toEqual([
      ...login("main"),
      `its HTTP nodes: ${url("main")}red-nodes`,
      ...login("acme"),
      ...login("globex"),
      `CA certificate   ${platform.status.caFile}`,
      "More:",
      ...["status", "logs <name>", "tenant add <name>", "down"].map(
        (words) => `npx redfleet ${words} --stack ${E2E.name}`,
      ),
    ]);
  });

  it("serves the editor and both tenants over HTTPS under its own authority", async () => {
    for (const host of ["main", "acme", "globex"]) {
      const answer = await platform.client.ask(host, "/");
      expect(answer.status, host).toBe(200);
      expect(answer.body, host).toContain("red/red.min.js");
    }
  });

  it("runs each tenant on the Node-RED of its template", async () => {
    for (const [tenant, major] of [
      ["acme", "5."],
      ["globex", "4."],
    ] as const) {
      const admin = await platform.login(tenant);
      const settings = JSON.parse((await admin.ask("/settings")).body);
      expect(settings.version, tenant).toMatch(new RegExp(`^${major.replace(".", "\\.")}`));
    }
  });

  it("redirects HTTP and refuses hosts it does not know", async () => {
    const redirect = await request(`http://127.0.0.1:${E2E.http}/x`, {
      headers: { host: `main.${E2E.domain}` },
    });
    expect(redirect.headers.location).toBe(`https://main.${E2E.domain}:${E2E.https}/x`);
    expect([301, 302, 307, 308]).toContain(redirect.statusCode);
    expect((await platform.client.ask("nobody", "/")).status).toBe(421);
  });

  it("publishes no port but the edge's", async () => {
    const published = (await runningOf(E2E.name)).filter(
      (entry) => Object.keys(entry.HostConfig.PortBindings ?? {}).length > 0,
    );
    expect(published.map((entry) => entry.Name)).toEqual([`/${E2E.name}-edge`]);
  });

  it("hardens every container", async () => {
    for (const { Name: name, Config: config, HostConfig: host } of await runningOf(E2E.name)) {
      expect(host.ReadonlyRootfs, name).toBe(true);
      expect(host.CapDrop, name).toContain("ALL");
      expect(host.SecurityOpt?.join(), name).toContain("no-new-privileges");
      expect(host.Memory, name).toBeGreaterThan(0);
      expect(host.MemorySwap, name).toBe(host.Memory);
      expect(host.Privileged, name).toBe(false);
      expect(config.User, name).toMatch(/^\d+(:\d+)?$/);
      expect(host.PidsLimit ?? 0, name).toBeGreaterThan(0);
    }
  });

  it("tells what it holds of the memory when idle", async () => {
    const sum = (await memoryOf(E2E.name)).reduce((total, part) => total + part.mb, 0);
    report("idle memory of the stack, PSS", sum, "MB", { atMost: 1536 });
  });

  it("changes nothing when it runs again", async () => {
    const before = await identities(E2E.name, ALL);
    const second = await up(E2E);
    report("redfleet up, nothing changed", second.seconds, "s", { atMost: 60 });
    expect(await identities(E2E.name, ALL)).toEqual(before);
    printed.push(second.output);
  });

  it("tells at its end that the stack file has changed while it ran", async () => {
    const file = stackFile(E2E);
    const text = readFileSync(file, "utf8");
    const running = startUp(E2E);
    await until("Pulumi's run", () => running.said().includes("pulumi up"), { seconds: 60 });
    writeFileSync(file, `${text}# changed meanwhile\n`);
    const { output } = succeeded(await running.finished);
    writeFileSync(file, text);
    expect(output).toContain(
      `  Pulumi.${E2E.name}.yaml has changed since this run began: npx redfleet up --stack ${E2E.name}\n`,
    );
  });

  it("keeps every secret out of the state, logs, environments and all that is printed", async () => {
    const secrets = await secretsOf(E2E);
    const kinds = ["main.first-password result", "mongodb.keyfile base64", "credential-secret"];
    const names = Object.keys(secrets).join("\n");
    for (const kind of [...kinds, "agent /ca/ca.key", "passphrase"]) expect(names).toContain(kind);
    expect(Math.min(...Object.values(secrets).map(({ length }) => length))).toBeGreaterThan(20);
    editStack(E2E, (config) => config.clusters.main.apiReplicas++);
    const preview = succeeded(await pulumi(E2E, ["preview", "--diff"]));
    editStack(E2E, (config) => config.clusters.main.apiReplicas--);
    const shown = {
      ...Object.fromEntries(printed.map((text, index) => [`up ${index}`, text])),
      "preview of one replica more": preview.output,
      status: succeeded(await redfleet(E2E, ["status", "--json"])).output,
    };
    expect(preview.output).toContain(`${E2E.name}-replica-main-3`);
    // Where a secret has to be, it is found.
    const uri = await readFileFrom(engine, `${E2E.name}-editor-main`, "/run/redfleet/mongodb-uri");
    expect(leaks(secrets, { uri: String(uri) })).toHaveLength(1);
    expect(leaks(secrets, { ...(await textsOf(E2E)), ...shown })).toEqual([]);
  });
});

/** Changes of files that git tracks; other stacks' files are ignored by git. */
async function trackedChanges(): Promise<string> {
  return succeeded(await capture("git", ["status", "--porcelain"])).stdout;
}
