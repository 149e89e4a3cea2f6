import { beforeAll, describe, expect, it } from "vitest";
import { type Client, mongodbWriter, valkeyWriter } from "../faults/clients.ts";
import { identities } from "../support/containers.ts";
import { endpoint, tab } from "../support/flows.ts";
import { Load } from "../support/load.ts";
import { mongoOf } from "../support/mongo.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { report } from "../support/report.ts";
import { E2E, editStack, type PlatformConfig, up } from "../support/stack.ts";
import { watchedWith } from "../support/valkey.ts";
import { until } from "../support/wait.ts";

const UNTOUCHED = ["editor", "edge", "tenant", "agent"];
const STORES = ["mongodb", "valkey", "sentinel"];
const TENANT = `${E2E.name}-tenant-acme`;
const FAILOVER_MS = 12_000;

let platform: Platform;

/** The workers that answer within a number of requests. */
async function workers(requests: number): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let count = 0; count < requests; count += 1) {
    const { status, body } = await platform.client.ask("main", "/red-nodes/scale");
    if (status === 200) seen.add(JSON.parse(body).worker);
  }
  return seen;
}

/** Makes a change while requests and writes go on, and sees what they have lost. */
async function change(what: string, replicas: number, edit: (platform: PlatformConfig) => void) {
  const before = await identities(E2E.name, UNTOUCHED);
  const writers: Client[] = [await mongodbWriter(TENANT), await valkeyWriter(E2E.name)];
  const load = new Load({ ask: () => platform.client.ask("main", "/red-nodes/scale") });
  editStack(E2E, (config) => {
    config.clusters.main.apiReplicas = replicas;
    edit(config);
  });
  const { seconds } = await up(E2E);
  await until(
    `${replicas} workers answer`,
    async () => (await workers(replicas * 8)).size === replicas,
  );
  const seen = await load.stop();
  report(`${what}, up`, seconds, "s");
  report(`${what}, requests served meanwhile`, seen.sent, "");
  expect(seen.lost).toEqual([]);
  for (const writer of writers) {
    report(`${what}, writes to ${writer.name} meanwhile`, writer.times.length, "");
    expect({ [writer.name]: await writer.stop() }).toEqual({ [writer.name]: [] });
  }
  expect(await identities(E2E.name, UNTOUCHED)).toEqual(before);
}

/** The members that the replica set itself counts. */
async function members(): Promise<string[]> {
  const client = await mongoOf(TENANT);
  const { hosts } = await client.db("admin").command({ hello: 1 });
  await client.close();
  return hosts.map((host: string) => host.split(":")[0]).sort();
}

const named = (count: number) =>
  Array.from({ length: count }, (_, member) => `${E2E.name}-mongodb-${member}`);

describe("changes under load", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
    const admin = await platform.login("main");
    await admin.deployTabs([tab("scale"), ...endpoint("scale", "scale", "/scale", "scale")]);
    await until("the endpoint serves", async () => (await workers(1)).size === 1);
  });

  it.each([
    { replicas: 5, mongodb: 5 },
    { replicas: 2, mongodb: 3 },
  ])("$replicas replicas and $mongodb members of MongoDB: nothing is lost", async (counts) => {
    const before = await identities(E2E.name, STORES);
    await change(`scale to ${counts.replicas}`, counts.replicas, (config) => {
      config.mongodb.members = counts.mongodb;
    });
    expect(await members()).toEqual(named(counts.mongodb));
    const after = await identities(E2E.name, STORES);
    const lasting = Object.keys(before).filter((name) => !/-mongodb-[34]$/.test(name));
    expect(lasting).toHaveLength(9);
    for (const name of lasting) expect(after[name], name).toBe(before[name]);
  });

  it("another setting of Valkey: its members are replaced in turn, nothing is lost", async () => {
    const before = await identities(E2E.name, STORES);
    await change("scale to 3", 3, (config) => {
      config.valkey.failoverTimeoutMs = FAILOVER_MS;
    });
    const after = await identities(E2E.name, STORES);
    const kept = Object.keys(before).filter((name) => after[name] === before[name]);
    expect(kept).toEqual(named(3));
    const settings = (await watchedWith(E2E.name)).map((one) => one["failover-timeout"]);
    expect(settings).toEqual(Array(3).fill(String(FAILOVER_MS)));
  });
});
