import { afterAll, beforeAll, expect, test } from "vitest";
import type { PlatformInput } from "../../config/schema.ts";
import { testName } from "../support/names.ts";
import { freePorts } from "../support/ports.ts";
import { stepsOf, Trial } from "./trial.ts";

const trial = new Trial(testName("preview"));
let platform: PlatformInput;

beforeAll(async () => {
  const [https = 0, http = 0] = await freePorts(2);
  platform = {
    domain: "preview.localhost",
    dev: true,
    edge: { address: "127.0.0.1", https, http },
    mongodb: { members: 1 },
    valkey: { replicas: 0, sentinels: 0 },
  };
  await trial.create(platform);
}, 60_000);

afterAll(() => trial.remove(), 300_000);

test("the first preview only creates", async () => {
  const operations = new Set(stepsOf(await trial.preview()).map((step) => step.split(" ")[0]));
  expect([...operations]).toEqual(["create"]);
});

test("after an up the next preview has nothing to do", async () => {
  await trial.up();
  expect(stepsOf(await trial.preview())).toEqual([]);
});

test("after a refresh, which reads everything back from the engine, neither", async () => {
  await trial.refresh();
  expect(stepsOf(await trial.preview())).toEqual([]);
});

test("a new tenant is created, and nothing else is touched", async () => {
  trial.declare({ ...platform, tenants: { initech: { template: "nodered-5" } } });
  const steps = stepsOf(await trial.preview());
  expect(steps.length).toBeGreaterThan(5);
  expect(steps.filter((step) => !step.startsWith(`create ${trial.stack}-tenant-initech`))).toEqual(
    [],
  );
});

test("another memory limit is an update in place", async () => {
  const mongodb = { ...platform.mongodb, memory: "512 MB", cache: "256 MB" };
  trial.declare({ ...platform, mongodb });
  expect(stepsOf(await trial.preview())).toEqual([`update ${trial.stack}-mongodb-0`]);
});
