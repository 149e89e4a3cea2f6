import { describe, expect, test } from "vitest";
import { combine, observePart } from "../../../cli/engine/observe.ts";
import { partOf } from "../../../cli/engine/part.ts";
import { inspected, part } from "./inspected.ts";

const tenant = (state: object, more: object = {}) =>
  part("t-tenant-acme", "tenant", "acme", { state, ...more });

describe("a container's state", () => {
  test("is running when its health check is good, or when it has none", () => {
    expect(observePart(tenant({}))).toEqual({ state: "running", reason: "" });
    expect(observePart(tenant({ Health: undefined })).state).toBe("running");
  });

  test("is starting until the first good health check, and counts restarts", () => {
    const health = { Health: { Status: "starting", Log: [] } };
    expect(observePart(tenant(health)).state).toBe("starting");
    expect(observePart(tenant(health, { restarts: 4 })).reason).toContain("4 restarts so far");
  });

  test("is an error with the health check's own words", () => {
    const log = [
      { ExitCode: 0, Output: "fine" },
      { ExitCode: 1, Output: "flows are not started\n" },
    ];
    const observed = observePart(tenant({ Health: { Status: "unhealthy", Log: log } }));
    expect(observed).toEqual({ state: "error", reason: "unhealthy: flows are not started" });
  });

  test("names memory and its limit when the kernel killed it", () => {
    const observed = observePart(tenant({ Status: "exited", ExitCode: 137, OOMKilled: true }));
    expect(observed).toEqual({ state: "error", reason: "killed: out of memory (limit 256 MiB)" });
  });

  test("carries exit code, count and last log line of a crash loop", () => {
    const crash = { Status: "restarting", ExitCode: 3 };
    const observed = observePart(tenant(crash, { restarts: 6 }), "cannot find the flows");
    expect(observed.state).toBe("error");
    expect(observed.reason).toBe(
      "restarts after exit code 3 (6 times so far): cannot find the flows",
    );
  });

  test.each([0, 137, 143])("is stopped after exit code %i, which a stop leaves", (code) => {
    expect(observePart(tenant({ Status: "exited", ExitCode: code })).state).toBe("stopped");
  });

  test("is an error after any other exit code, while paused, and if it could not start", () => {
    expect(observePart(tenant({ Status: "exited", ExitCode: 1 })).state).toBe("error");
    expect(observePart(tenant({ Status: "paused" })).reason).toMatch(
      /^paused on the engine: docker unpause \S+ lets it go on$/,
    );
    const taken = { Status: "created", Error: "port is already allocated" };
    expect(observePart(tenant(taken))).toEqual({
      state: "error",
      reason: "port is already allocated",
    });
  });
});

describe("a whole", () => {
  test.each([
    [["running", "running"], "running"],
    [["stopped", "stopped"], "stopped"],
    [["running", "starting"], "starting"],
    [["running", "stopped"], "error"],
    [["running", "starting", "error"], "error"],
    [["running", "stopping"], "stopping"],
    [[], "stopped"],
  ] as const)("of %j is %s", (states, whole) => {
    expect(combine(states)).toBe(whole);
  });
});

test("values may contain an equals sign; ports are known while the container is down", () => {
  const bound = { "8443/tcp": [{ HostIp: "127.0.0.1", HostPort: "9443" }], "8404/tcp": null };
  const read = partOf(inspected("t-edge", "edge", "", { host: { PortBindings: bound } }));
  expect(read.environment.ODD).toBe("a=b");
  expect(read.ports).toEqual({ "8443/tcp": 9443 });
});
