import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Host, isStale, type StateLock } from "../../../cli/pulumi/locks.ts";
import {
  isCommandLine,
  isPlugin,
  orphansOf,
  parseMark,
  type RunProcess,
} from "../../../cli/pulumi/processes.ts";
import { compare } from "../../../cli/pulumi/recovery.ts";
import { parseState, type State } from "../../../cli/pulumi/state.ts";

const lock = (change: Partial<StateLock> = {}): StateLock => ({
  file: "lock.json",
  pid: 42,
  username: "root",
  hostname: "here",
  timestamp: "2026-01-01T00:00:00Z",
  ...change,
});

describe("a lock on the state", () => {
  const EARLIER = Date.parse("2025-12-31T23:59:00Z");
  const LATER = Date.parse("2026-01-01T01:00:00Z");
  const host = (found: ReturnType<Host["processOf"]>): Host => ({
    name: "here",
    processOf: () => found,
  });
  const run = (program: string, startedAt = EARLIER) => host({ program, startedAt });

  test("is stale when its process is gone, or its id belongs to another one now", () => {
    expect(isStale(lock(), host(undefined))).toBe(true);
    for (const program of ["sshd", "pulumi-language", "vim"]) {
      expect(isStale(lock(), run(program))).toBe(true);
    }
    expect(isStale(lock(), run("pulumi", LATER))).toBe(true);
  });

  test("is held by the Pulumi that took it, also one of which nothing can be seen", () => {
    expect(isStale(lock(), run("pulumi"))).toBe(false);
    expect(isStale(lock(), host("hidden"))).toBe(false);
    expect(isStale(lock({ timestamp: "?" }), run("pulumi"))).toBe(false);
  });

  test("of another machine is never stale, whatever has its number here", () => {
    const there = lock({ hostname: "there" });
    for (const one of [host(undefined), run("sshd"), run("pulumi", LATER)]) {
      expect(isStale(there, one)).toBe(false);
    }
  });

  test("is told by the real process, whatever stands in its command line", async () => {
    const folder = mkdtempSync(join(tmpdir(), "redfleet lock-"));
    const program = (name: string) => {
      copyFileSync("/bin/sh", join(folder, name));
      return spawn(join(folder, name), ["-c", "read line", "pulumi"], { stdio: "pipe" });
    };
    const children = [program("pulumi"), program("other")];
    try {
      await Promise.all(children.map((child) => once(child, "spawn")));
      const [owner, other] = children.map(({ pid = 0 }) =>
        lock({ pid, hostname: hostname(), timestamp: new Date().toISOString() }),
      );
      const old = { ...owner, timestamp: "2026-01-01T00:00:00Z" } as StateLock;
      expect([owner, other, old].map((one) => isStale(one as StateLock))).toEqual([
        false,
        true,
        true,
      ]);
    } finally {
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map((child) => once(child, "exit")));
      rmSync(folder, { recursive: true });
    }
    expect(isStale(lock({ pid: children[0]?.pid ?? 0, hostname: hostname() }))).toBe(true);
  });
});

describe("processes of a run", () => {
  const run = (pid: number, command: string, driver: number): RunProcess => ({
    pid,
    command,
    driver: { pid: driver, start: "100" },
  });

  test("are known by the mark in their environment, of this clone only", () => {
    const environment = "PATH=/bin\0REDFLEET_RUN=/clone|17|123456\0HOME=/root\0";
    expect(parseMark(environment, "/clone")).toEqual({ pid: 17, start: "123456" });
    expect(parseMark(environment, "/clon")).toBeUndefined();
    expect(parseMark("PATH=/bin\0", "/clone")).toBeUndefined();
  });

  test("are orphans when their driver is gone or its id is another process's", () => {
    const starts: Record<number, string> = { 1: "100", 2: "999" };
    const processes = [run(10, "pulumi up", 1), run(11, "pulumi up", 2), run(12, "node x", 3)];
    expect(orphansOf(processes, (pid) => starts[pid]).map(({ pid }) => pid)).toEqual([11, 12]);
  });

  test("are told apart by their program", () => {
    expect(isCommandLine(run(1, "/home/me/.pulumi/bin/pulumi up", 1))).toBe(true);
    expect(isCommandLine(run(1, "pulumi-language-nodejs 127.0.0.1:1", 1))).toBe(false);
    expect(isPlugin(run(1, "/p/pulumi-resource-docker 127.0.0.1:1", 1))).toBe(true);
    expect(isPlugin(run(1, "node index.ts pulumi-resource-docker", 1))).toBe(false);
  });
});

const checkpoint = (resources: object[], extra: object = {}): State =>
  parseState(JSON.stringify({ checkpoint: { latest: { resources, ...extra } } }));

describe("engine and state", () => {
  const container = { urn: "u", type: "docker:index/container:Container", id: "c1" };
  const network = { urn: "v", type: "docker:index/network:Network", id: "n1" };
  const found = {
    containers: [{ id: "c1", name: "dev-a", created: 0 }],
    networks: [{ id: "n1", name: "dev-data" }],
  };

  test("agree when both have the same ids", () => {
    const { unknown, missing } = compare(found, checkpoint([container, network]));
    expect(unknown).toEqual({ containers: [], networks: [] });
    expect(missing).toBe(false);
  });

  test("a second object of a known name is unknown", () => {
    const twice = { ...found, networks: [...found.networks, { id: "n2", name: "dev-data" }] };
    const { unknown } = compare(twice, checkpoint([container, network]));
    expect(unknown.networks).toEqual([{ id: "n2", name: "dev-data" }]);
  });

  test("what the state has and the engine has not is missing", () => {
    const gone = { ...container, id: "c2" };
    expect(compare(found, checkpoint([container, network, gone])).missing).toBe(true);
  });

  test("a checkpoint's pending operations, salt and time are read", () => {
    const state = checkpoint([], {
      pending_operations: [{ type: "creating", resource: container }],
      secrets_providers: { state: { salt: "v1:s" } },
      manifest: { time: "2026-01-01T02:00:00.123456789+02:00" },
    });
    expect(state.pending).toHaveLength(1);
    expect(state.salt).toBe("v1:s");
    expect(state.written).toBe(Date.parse("2026-01-01T00:00:00.123Z"));
    expect(parseState('{"checkpoint":{}}')).toEqual({
      resources: [],
      pending: [],
      salt: undefined,
    });
  });
});
