import { copyFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { identities } from "../support/containers.ts";
import { runningPlatform } from "../support/platform.ts";
import { report } from "../support/report.ts";
import { E2E, editStack, pulumi, redfleet, stackFile, succeeded } from "../support/stack.ts";

const ALL = ["mongodb", "valkey", "sentinel", "edge", "agent", "editor", "replica", "tenant"];
const COPY = `${stackFile(E2E)}.before`;

describe("plain Pulumi", () => {
  beforeAll(async () => {
    await runningPlatform(E2E);
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

  it("masks the passwords in its outputs", async () => {
    const outputs = succeeded(await pulumi(E2E, ["stack", "output", "--json"]));
    expect(JSON.parse(outputs.stdout).passwords).toBe("[secret]");
  });
});

describe("a bad stack file", () => {
  beforeAll(() => copyFileSync(stackFile(E2E), COPY));
  afterEach(() => copyFileSync(COPY, stackFile(E2E)));

  it("is refused with all errors at once before any engine call", async () => {
    const before = await identities(E2E.name, ALL);
    editStack(E2E, (config) => {
      config.mongodb.members = 2;
      config.clusters.main.apiReplicaas = 3;
      config.tenants.A_b = { template: "nodered-5" };
      config.tenants.acme = { template: "no-such" };
    });
    const refused = await redfleet(E2E, ["up"]);
    expect(refused.code).not.toBe(0);
    for (const told of ["mongodb.members", "apiReplicaas", "A_b", "no-such", "apiReplicas"]) {
      expect(refused.output).toContain(told);
    }
    expect(await identities(E2E.name, ALL)).toEqual(before);
  });
});
