import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { identities } from "../support/containers.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { ROOT } from "../support/process.ts";
import { report } from "../support/report.ts";
import { E2E, editStack, pulumi, redfleet, stackFile, succeeded } from "../support/stack.ts";

const ALL = ["mongodb", "valkey", "sentinel", "edge", "agent", "editor", "replica", "tenant"];
const COPY = `${stackFile(E2E)}.before`;

let platform: Platform;

describe("plain Pulumi", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
  });

  it("previews, refreshes and ups without a change", async () => {
    const before = await identities(E2E.name, ALL);
    const preview = succeeded(await pulumi(E2E, ["preview", "--expect-no-changes"]));
    report("pulumi preview, nothing changed", preview.seconds, "s");
    succeeded(await pulumi(E2E, ["refresh", "--yes", "--expect-no-changes", "--skip-preview"]));
    const up = succeeded(await pulumi(E2E, ["up", "--yes", "--skip-preview"]));
    report("pulumi up, nothing changed", up.seconds, "s", { atMost: 15 });
    expect(await identities(E2E.name, ALL)).toEqual(before);
  });

  it("tells in its outputs where everything is, and masks the passwords", async () => {
    const outputs = succeeded(await pulumi(E2E, ["stack", "output", "--json"]));
    const url = (host: string) => `https://${host}.${E2E.domain}:${E2E.https}/`;
    const tenant = (name: string) => ({ url: url(name), aliases: [], state: "running" });
    const caFile = `.redfleet/${E2E.name}/ca.crt`;
    expect(JSON.parse(outputs.stdout)).toEqual({
      domain: E2E.domain,
      httpsPort: E2E.https,
      clusters: { main: { url: url("main"), apiUrl: `${url("main")}red-nodes` } },
      tenants: expect.objectContaining({ acme: tenant("acme") }),
      caFile,
      passwords: "[secret]",
      next: `Open ${url("main")} and log in as admin: npx redfleet password main --stack ${E2E.name}`,
    });
    expect(platform.status.caFile).toBe(join(ROOT, caFile));
  });
});

describe("a bad stack file", () => {
  beforeAll(() => copyFileSync(stackFile(E2E), COPY));
  afterEach(() => copyFileSync(COPY, stackFile(E2E)));

  it("is refused with all errors at once before any engine call", async () => {
    const before = await identities(E2E.name, ALL);
    const env = { DOCKER_HOST: "unix:///var/tmp/redfleet-nobody.sock" };
    editStack(E2E, (config) => {
      config.mongodb.members = 2;
      config.clusters.main.apiReplicaas = 3;
      config.tenants.A_b = { template: "nodered-5" };
      config.tenants.acme = { template: "no-such" };
    });
    const answers = [
      await redfleet(E2E, ["up"], { env }),
      await pulumi(E2E, ["up", "--yes"], { env }),
      await pulumi(E2E, ["preview"], { env }),
    ];
    for (const { code, output } of answers) {
      expect(code, output).toBe(1);
      expect(output).toContain(`4 problems in Pulumi.${E2E.name}.yaml`);
      for (const told of ["mongodb.members", "apiReplicaas", "A_b", "no-such", "apiReplicas"]) {
        expect(output).toContain(told);
      }
      expect(output).not.toMatch(/engine|DOCKER_HOST/);
    }
    expect(await identities(E2E.name, ALL)).toEqual(before);
  });
});
