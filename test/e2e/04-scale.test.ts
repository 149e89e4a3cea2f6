import { beforeAll, describe, expect, it } from "vitest";
import { identities } from "../support/containers.ts";
import { endpoint, tab } from "../support/flows.ts";
import { Load } from "../support/load.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { report } from "../support/report.ts";
import { E2E, editStack, up } from "../support/stack.ts";
import { until } from "../support/wait.ts";

const UNTOUCHED = ["editor", "edge", "tenant", "agent", "mongodb", "valkey", "sentinel"];

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

describe("scaling under load", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
    const admin = await platform.login("main");
    await admin.deployTabs([tab("scale"), ...endpoint("scale", "scale", "/scale", "scale")]);
    await until("the endpoint serves", async () => (await workers(1)).size === 1);
  });

  it.each([5, 2, 3])("goes to %i replicas without losing a request", async (count) => {
    const before = await identities(E2E.name, UNTOUCHED);
    const load = new Load({ ask: () => platform.client.ask("main", "/red-nodes/scale") });
    editStack(E2E, (config) => {
      config.clusters.main.apiReplicas = count;
    });
    const { seconds } = await up(E2E);
    await until(`${count} workers answer`, async () => (await workers(count * 8)).size === count);
    const seen = await load.stop();
    report(`scale to ${count}, up`, seconds, "s");
    report(`scale to ${count}, requests served meanwhile`, seen.sent, "");
    expect(seen.lost).toEqual([]);
    expect(await identities(E2E.name, UNTOUCHED)).toEqual(before);
  });
});
