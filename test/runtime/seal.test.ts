import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { answering, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { until } from "../support/wait.ts";
import { addUser, Editor } from "./support/editor.ts";
import { launch, type Runtime, start } from "./support/runtime.ts";

const BOOT = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
const OTHER = "0".repeat(64);

let mongodb: LocalReplicaSet;
let tenant: Runtime | undefined;
const common = () => ({ uri: mongodb.uri, database: "sealed", role: "instance" as const });

beforeAll(async () => {
  mongodb = await startReplicaSet();
  await addUser(mongodb.client, "sealed", "admin");
  const first = await start({ ...common(), secret: null });
  const person = await Editor.login(first);
  await person.load();
  await person.deploy([tab("t"), ...answering("t", "hello", "/hello", 'msg.payload = "ran";')]);
  await first.remove();
});
afterAll(async () => {
  await tenant?.remove();
  await mongodb?.close();
});

it("runs no flow before the seal names it, on this start of the machine", async () => {
  const environment = { REDFLEET_SEAL_FILE: "/run/redfleet/sealed.json" };
  const waiting = await launch({ ...common(), secret: null, environment });
  tenant = waiting;
  const seal = (boot: string, container: string) =>
    writeFileSync(
      join(waiting.folder, "sealed.json"),
      JSON.stringify({ boot, containers: [container] }),
    );
  const says = async (reason: string) => {
    await until(reason, async () => (await waiting.status()).error?.includes(reason), {
      every: 20,
    });
    expect((await waiting.status()).state).toBe("starting");
    expect((await fetch(`${waiting.health}/readyz`)).status).toBe(503);
    await expect(fetch(`${waiting.url}/hello`)).rejects.toThrow();
  };
  await says("waits for the agent to seal its network: there is no seal");
  seal("another-boot", waiting.id);
  await says("from before the machine started");
  seal(BOOT, OTHER);
  await says("does not know this one yet");
  expect(await waiting.logs()).toContain("waiting for the agent to seal the network");
  seal(BOOT, waiting.id);
  await until("the flow", async () => {
    const answer = await fetch(`${waiting.url}/hello`);
    return answer.ok && (await answer.text()) === "ran";
  });
  expect((await waiting.status()).error).toBeUndefined();
});

it("ends at once when it is stopped while it waits", async () => {
  const environment = { REDFLEET_SEAL_FILE: "/run/redfleet/none.json" };
  const waiting = await launch({ ...common(), secret: null, environment });
  try {
    await until("it to wait", async () => (await waiting.status()).error, { every: 20 });
    await waiting.signal("SIGTERM");
    expect(await waiting.ended()).toBe(0);
  } finally {
    await waiting.remove();
  }
});
