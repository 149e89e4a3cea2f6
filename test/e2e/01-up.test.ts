import { request } from "undici";
import { beforeAll, describe, expect, it } from "vitest";
import { clear } from "../support/clear.ts";
import { containersOf, identities, runningOf } from "../support/containers.ts";
import { memoryOf } from "../support/memory.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { capture } from "../support/process.ts";
import { report } from "../support/report.ts";
import { E2E, password, platformConfig, succeeded, up, writeStack } from "../support/stack.ts";

/** Everything that a second `up` may not touch. */
const ALL = ["mongodb", "valkey", "sentinel", "edge", "agent", "editor", "replica", "tenant"];

let platform: Platform;

describe("up", () => {
  beforeAll(async () => {
    await clear(E2E);
    writeStack(E2E, platformConfig(E2E));
    const before = await trackedChanges();
    const first = await up(E2E);
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

  it("gives no secret to a container's environment", async () => {
    const names = ["main", "acme", "globex"];
    const passwords = await Promise.all(names.map((name) => password(E2E, name)));
    for (const { Name: name, Config: config } of await containersOf(E2E.name)) {
      const text = [...(config.Env ?? []), ...(config.Cmd ?? [])].join("\n");
      for (const secret of passwords) expect(text.includes(secret), name).toBe(false);
      expect(text, name).not.toMatch(/mongodb:\/\/[^/\s]+:[^/\s]+@/);
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
  });
});

/** Changes of files that git tracks; other stacks' files are ignored by git. */
async function trackedChanges(): Promise<string> {
  return succeeded(await capture("git", ["status", "--porcelain"])).stdout;
}
