import { describe, expect, test } from "vitest";
import { type EngineEvent, RunReport } from "../../../cli/pulumi/events.ts";
import { explainFailure } from "../../../cli/pulumi/failure.ts";
import { workOf } from "../../../cli/pulumi/work.ts";
import { daemonOptions } from "../../../cli/setup/engine.ts";
import { isRecent } from "../../../cli/setup/toolchain/pulumi.ts";
import { PULUMI } from "../../../cli/setup/toolchain/versions.ts";

const URN = "urn:pulumi:dev::redfleet::docker:index/container:Container::dev-tenant-acme";
const metadata = (op: string, type = "docker:index/container:Container") => ({
  op,
  urn: URN,
  type,
  new: { inputs: { name: "dev-tenant-acme" } },
});

function reportOf(...events: EngineEvent[]): { report: RunReport; lines: (string | undefined)[] } {
  const report = new RunReport();
  return { report, lines: events.map((event, index) => report.take(event, index * 1500)) };
}

describe("events of a run", () => {
  test("a finished step becomes a line with its time", () => {
    const { lines } = reportOf(
      { resourcePreEvent: { metadata: metadata("create") } },
      { resOutputsEvent: { metadata: metadata("create") } },
    );
    expect(lines).toEqual([undefined, "created container dev-tenant-acme 1.5 s"]);
  });

  test("unchanged resources, and new ones that take no time, are not worth a line", () => {
    const type = "random:index/randomPassword:RandomPassword";
    const { lines } = reportOf(
      { resourcePreEvent: { metadata: metadata("same") } },
      { resOutputsEvent: { metadata: metadata("same") } },
      { resourcePreEvent: { metadata: metadata("create", type) } },
      { resOutputsEvent: { metadata: metadata("create", type) } },
    );
    expect(lines.filter(Boolean)).toEqual([]);
  });

  test("a failure names the container and says what the provider said, once", () => {
    const text = "container failed to be in healthy state";
    const { report } = reportOf(
      { resourcePreEvent: { metadata: metadata("create") } },
      {
        diagnosticEvent: {
          urn: URN,
          severity: "error",
          message: `sdk-v2/provider2.go:571: sdk.helper_schema: ${text}: provider=docker@5.2.0`,
        },
      },
      {
        diagnosticEvent: {
          urn: URN,
          severity: "error",
          message: `1 error occurred:\n\t* creating ${URN}: 1 error occurred:\n\t* ${text}\n\n`,
        },
      },
      { resOpFailedEvent: { metadata: metadata("create") } },
    );
    expect([...report.failedContainers]).toEqual(["dev-tenant-acme"]);
    const error = explainFailure("dev", "up", { code: 255, report, stderr: "" });
    expect(error.what).toBe("pulumi up failed: dev-tenant-acme");
    expect(error.why).toBe(`dev-tenant-acme: ${text}`);
  });
});

test("a volume that Pulumi only forgets is kept, one that it deletes is removed", () => {
  const type = "docker:index/volume:Volume";
  const forget = { ...metadata("delete", type), old: { retainOnDelete: true } };
  const { lines } = reportOf(
    { resourcePreEvent: { metadata: forget } },
    { resOutputsEvent: { metadata: forget } },
    { resourcePreEvent: { metadata: metadata("delete", type) } },
    { resOutputsEvent: { metadata: metadata("delete", type) } },
  );
  expect(lines.filter(Boolean)).toEqual([
    "kept volume dev-tenant-acme",
    "removed volume dev-tenant-acme 1.5 s",
  ]);
});

test("a volume whose data is erased after the run is not called kept", () => {
  const forget = {
    ...metadata("delete", "docker:index/volume:Volume"),
    old: { retainOnDelete: true },
  };
  const report = new RunReport({ erasesRest: true });
  const events = [
    { resourcePreEvent: { metadata: forget } },
    { resOutputsEvent: { metadata: forget } },
  ];
  expect(events.map((event) => report.take(event))).toEqual([undefined, undefined]);
});

test.each([
  ["redfleet", "node /x/redfleet.mjs up --stack down", { command: "redfleet up", removes: false }],
  ["redfleet", "node /x/redfleet.mjs down --yes", { command: "redfleet down", removes: true }],
  ["pulumi", "pulumi destroy --yes", { command: "pulumi destroy", removes: true }],
] as const)("%s by its words: %s", (tool, line, work) => {
  expect(workOf(tool, 7, line)).toEqual({ pid: 7, ...work });
});

test("a refresh makes and takes nothing, and of a process that has ended nobody knows", () => {
  expect(workOf("pulumi", 7, "pulumi refresh --yes")).toBeUndefined();
  expect(workOf("redfleet", 7, "")).toBeUndefined();
});

test.each([
  ["up", "SIGINT", "npx redfleet up: it goes on where this run ended", 130],
  ["destroy", "SIGTERM", "npx redfleet down: it goes on where this run ended", 143],
  ["refresh", "SIGINT", "run the command again: it goes on where this run ended", 130],
] as const)("%s that somebody ended by %s is no failure of anything", (...one) => {
  const [operation, interrupted, fix, exitCode] = one;
  const { report } = reportOf({
    diagnosticEvent: { urn: URN, severity: "error", message: "update canceled" },
  });
  const error = explainFailure("dev", operation, { code: 255, report, stderr: "", interrupted });
  expect(error).toMatchObject({
    what: `interrupted (${interrupted}) in the middle of pulumi ${operation}`,
    ...{ why: "what was done by then is done", fix, exitCode },
  });
});

describe("known causes of a failure", () => {
  test.each([
    ["error: incorrect passphrase", /passphrase does not fit/],
    ["write /var/lib/docker/x: no space left on device", /disk is full/],
    ["Bind for 127.0.0.1:8443 failed: port is already allocated", /port that the edge needs/],
    ["2 resources break the platform's policy; nothing was changed:", /policy forbids/],
    ["Cannot connect to the Docker daemon at unix:///var/run/docker.sock", /engine went away/],
    ["could not find an available, non-overlapping IPv4 address pool", /no addresses left/],
  ])("%s", (stderr, what) => {
    const error = explainFailure("dev", "up", { code: 255, report: new RunReport(), stderr });
    expect(error.what).toMatch(what);
    expect(error.fix).toBeTruthy();
  });
});

describe("tools", () => {
  test("an older or another major version of Pulumi is not taken", () => {
    expect(isRecent(`v${PULUMI}`)).toBe(true);
    expect(isRecent("v3.999.1")).toBe(true);
    expect(isRecent("v3.100.0")).toBe(false);
    expect(isRecent("v4.0.0")).toBe(false);
    expect(isRecent("")).toBe(false);
  });

  test("what the engine's own file sets is not given to it twice", () => {
    expect(daemonOptions({})).toContain("--default-address-pool");
    expect(daemonOptions({ "default-address-pools": [], "exec-opts": [] })).toEqual([]);
  });
});
