import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { renderChecks } from "../../../cli/commands/doctor.ts";
import { judgeExpiry } from "../../../cli/doctor/certificates.ts";
import { fail, ok, warn } from "../../../cli/doctor/check.ts";
import {
  checkDrivers,
  checkLimits,
  checkVersion,
  type EngineInfo,
  judgeDisk,
  judgeMemory,
} from "../../../cli/doctor/engine.ts";
import { judgeStackFile } from "../../../cli/doctor/files.ts";
import { checkNetwork, judgeName } from "../../../cli/doctor/network.ts";
import { checkData } from "../../../cli/doctor/ownership.ts";
import { judgeParts } from "../../../cli/doctor/parts.ts";
import { judgeLocks, judgePending } from "../../../cli/doctor/state.ts";
import { checkNode } from "../../../cli/doctor/tools.ts";
import type { Absence } from "../../../cli/engine/absence.ts";
import type { Engine } from "../../../cli/engine/client.ts";
import { parsePlatform } from "../../../config/parse.ts";
import { testName } from "../../support/names.ts";
import { part } from "./inspected.ts";

const GIB = 2 ** 30;

const info: EngineInfo = {
  Driver: "overlay2",
  CgroupDriver: "cgroupfs",
  CgroupVersion: "1",
  MemTotal: 24 * GIB,
  NCPU: 2,
  MemoryLimit: true,
  SwapLimit: true,
  PidsLimit: true,
  DockerRootDir: "/var/lib/docker",
};

test("an old Node fails, an old engine warns", () => {
  expect(checkNode("22.9.0").verdict).toBe("fail");
  expect(checkNode("24.1.0").verdict).toBe("ok");
  expect(checkVersion("20.10.24", "1.41").verdict).toBe("ok");
  expect(checkVersion("19.03.1", "1.40").verdict).toBe("warn");
});

test("limits that the kernel does not enforce are named", () => {
  expect(checkLimits(info).verdict).toBe("ok");
  expect(checkLimits({ ...info, SwapLimit: false, PidsLimit: false })).toMatchObject({
    verdict: "warn",
    detail: "not enforced: swap, process count",
  });
  expect(checkDrivers({ ...info, Driver: "vfs" }).verdict).toBe("warn");
});

test("memory and disk are judged by what there is", () => {
  expect(judgeMemory("memory", 3 * GIB, 4 * GIB).verdict).toBe("ok");
  expect(judgeMemory("memory", 5 * GIB, 4 * GIB)).toMatchObject({
    verdict: "warn",
    detail: "limits add up to 5.0 GiB of 4.0 GiB",
  });
  const verdicts = [20, 3, 0.5].map((gib) => judgeDisk("disk", "/", gib * GIB).verdict);
  expect(verdicts).toEqual(["ok", "warn", "fail"]);
});

test("a certificate warns before its end and fails after", () => {
  const now = new Date("2026-06-01T00:00:00Z");
  const verdict = (end: string) => judgeExpiry("CA", new Date(end), 30, now).verdict;
  expect([verdict("2036-01-01"), verdict("2026-06-20"), verdict("2026-05-31")]).toEqual([
    "ok",
    "warn",
    "fail",
  ]);
});

describe("a name", () => {
  const judge = (address: string, found: string[], host = "x.example.org") =>
    judgeName("names", host, address, found);

  test("must lead to the edge", () => {
    expect(judge("10.0.0.1", ["10.0.0.1"]).verdict).toBe("ok");
    expect(judge("0.0.0.0", ["10.0.0.9"]).verdict).toBe("ok");
    expect(judge("10.0.0.1", ["10.0.0.9"])).toMatchObject({
      verdict: "warn",
      fix: "point it to 10.0.0.1",
    });
    expect(judge("10.0.0.1", []).fix).toContain("wildcard record *.example.org");
  });

  test("under localhost is known to browsers anyway", () => {
    expect(judge("127.0.0.1", [], "x.redfleet.localhost").fix).toContain("browsers and curl know");
  });
});

test("a taken port is told from a free one, and who has it", async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const address = holder.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const edge = { domain: "localhost", address: "127.0.0.1", http: 0, https: port };
  const publisher = {
    Names: ["/dev-edge"],
    Labels: { "redfleet.stack": "dev" },
    Ports: [{ IP: "127.0.0.1", PrivatePort: 8443, PublicPort: port, Type: "tcp" }],
  };
  const https = async (own: number[], containers = [publisher]) =>
    (await checkNetwork(edge, new Set(own), containers))[1];
  const where = `127.0.0.1:${port}`;
  const fix = "end that program, or change edge in the file";
  const name = "port for HTTPS";
  const taken = fail(name, `${where} is taken by the container dev-edge`, fix);
  expect(await https([])).toEqual(taken);
  expect(await https([port])).toEqual(ok(name, `${where} is held by this stack's edge`));
  expect((await https([], []))?.detail).toContain(`${where} is taken by process ${process.pid}: `);
  await new Promise((resolve) => holder.close(resolve));
  expect(await https([])).toEqual(ok(name, `${where} is free`));
});

test("a lock names its owner, and what to do if that one is gone", () => {
  const timestamp = "2026-01-01";
  const lock = { file: "f", pid: 7, username: "root", hostname: "here", timestamp };
  expect(judgeLocks([], () => true).verdict).toBe("ok");
  expect(judgeLocks([lock], () => false).detail).toContain("held by root@here, process 7");
  expect(judgeLocks([lock], () => true).fix).toBe("npx redfleet up removes it");
  const orphan = judgeLocks([lock], () => false, new Set([7]));
  expect(orphan.detail).toContain(
    "process 7, since 2026-01-01, which a killed run has left behind",
  );
  expect(orphan.fix).toContain("npx redfleet up lets it end");
});

test("operations that were cut off are listed by resource", () => {
  const urn = "urn:pulumi:dev::redfleet::docker:index/container:Container::dev-tenant-acme";
  const pending = [
    { type: "creating", resource: { urn, type: "docker:index/container:Container" } },
  ];
  expect(judgePending([]).verdict).toBe("ok");
  expect(judgePending(pending).detail).toBe("an operation was cut off: creating dev-tenant-acme");
});

test("a container that is missing or does not run is told once the stack is up", () => {
  const { config } = parsePlatform(
    {
      ...{ domain: "t.localhost", dev: true },
      ...{ mongodb: { members: 1 }, valkey: { replicas: 0, sentinels: 0 } },
    },
    { stack: "t", secretNames: undefined },
  );
  let absence: Absence = {};
  const judge = (...parts: ReturnType<typeof part>[]) =>
    judgeParts({ stack: "t", parts, routes: [], volumes: [], networks: [] }, config, absence);
  const edge = part("t-edge", "edge", "");
  const others = [
    ...[part("t-agent", "agent", ""), part("t-mongodb-0", "mongodb", "")],
    part("t-valkey-0", "valkey", ""),
  ];
  expect(judge()).toMatchObject({ verdict: "ok", detail: 'nothing of the stack "t" is up' });
  expect(judge(edge, ...others)).toMatchObject({ verdict: "ok", detail: "4 are there and run" });
  expect(judge(...others)).toMatchObject({
    verdict: "fail",
    detail: "t-edge does not exist: run npx redfleet up",
  });
  absence = { work: { command: "redfleet up", pid: 7, removes: false } };
  expect(judge(...others)).toMatchObject({
    verdict: "warn",
    detail: "t-edge is not made yet: redfleet up is under way (process 7)",
  });
  const stopped = part("t-edge", "edge", "", { state: { Status: "exited", ExitCode: 0 } });
  expect(judge(stopped, ...others)).toMatchObject({
    verdict: "fail",
    detail: "t-edge: stopped on the engine (exit code 0)",
    fix: "npx redfleet up --stack t makes again what is missing; npx redfleet status --stack t says more of the others",
  });
  const health = { Health: { Status: "starting", FailingStreak: 0, Log: [] } };
  const starting = part("t-edge", "edge", "", { state: health });
  expect(judge(starting, ...others).verdict).toBe("warn");
});

test("data of another clone is a failure before anything of the stack runs", async () => {
  const stack = testName("doctor");
  const holding = (...names: string[]) =>
    ({ listVolumes: async () => ({ Volumes: names.map((Name) => ({ Name })) }) }) as Engine;
  expect(await checkData(holding(), stack)).toEqual([]);
  const [check] = await checkData(holding(`${stack}-mongodb-0-data`), stack);
  expect(check).toMatchObject({ name: "data", verdict: "fail" });
  expect(check?.detail).toContain(`holds data of a stack "${stack}" whose passwords and keys`);
  expect(check?.detail).toContain(`\nfor instance the volume ${stack}-mongodb-0-data; they are in`);
  expect(check?.fix).toContain(`npx redfleet down --delete-data --yes --stack ${stack}`);
});

test("a stack file with problems shows all of them", () => {
  const text = "config:\n  redfleet:platform:\n    domian: a.b\n    target: { kind: dokcer }\n";
  const check = judgeStackFile("Pulumi.dev.yaml", text);
  expect(check.verdict).toBe("fail");
  expect(check.detail).toContain("domian");
  expect(check.detail).toContain("target");
});

test("findings are printed with what to do below them", () => {
  const text = renderChecks([ok("a", "fine"), warn("b", "hm", "try"), fail("c", "1\n2", "do")]);
  expect(text).toMatchInlineSnapshot(`
    "ok    a  fine
    warn  b  hm
             -> try
    fail  c  1
             2
             -> do

    1 ok, 1 warn, 1 fail"
  `);
});
