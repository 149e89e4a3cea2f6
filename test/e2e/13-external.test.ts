import { readFileSync } from "node:fs";
import type Docker from "dockerode";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBases } from "../../components/images/bases.ts";
import { clear } from "../support/clear.ts";
import { containersOf } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { endpoint, tab } from "../support/flows.ts";
import { platformImage } from "../support/image.ts";
import { connect, disconnect, linkOf } from "../support/machine-network.ts";
import { testName, WORKER } from "../support/names.ts";
import { type Platform, talkTo } from "../support/platform.ts";
import { ROOT } from "../support/process.ts";
import { report } from "../support/report.ts";
import {
  destroy,
  platformConfig,
  pulumi,
  stackFile,
  status,
  succeeded,
  type TestStack,
  up,
  writeStack,
} from "../support/stack.ts";
import { until } from "../support/wait.ts";

const STACK: TestStack = {
  name: testName("external"),
  domain: "external.localhost",
  https: 9943,
  http: 9580,
};
const PASSWORD = "of-somebody-else";
const ROLES = ["userAdminAnyDatabase", "readWriteAnyDatabase", "dbAdminAnyDatabase"];

/** A machine of its own as far as its network goes, with both stores on it. */
const machine = linkOf(process.pid);
const servers: Docker.Container[] = [];
let mongodb: MongoClient;
let platform: Platform;

async function startServer(image: string, command: string[], network: string): Promise<void> {
  const container = await engine.createContainer({
    Image: image,
    Labels: { "redfleet.stack": WORKER, "redfleet.component": "store" },
    Entrypoint: [],
    Cmd: command,
    User: "999:999",
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      NetworkMode: network,
      Tmpfs: { "/data/db": "uid=999,gid=999", "/data": "uid=999,gid=999" },
    },
  });
  servers.push(container);
  await container.start();
}

/** Starts the servers that stand for somebody else's; answers the connection strings that a stack gets. */
async function startStores(): Promise<{ mongodb: string; valkey: string }> {
  const flags = ["--requirepass", PASSWORD, "--bind", "0.0.0.0", "--save", ""];
  await startServer(await platformImage("valkey"), ["valkey-server", ...flags], "none");
  const [first] = servers as [Docker.Container];
  await connect(process.pid, (await first.inspect()).State.Pid);
  const member = [
    "mongod",
    "--replSet",
    "theirs",
    "--bind_ip_all",
    "--wiredTigerCacheSizeGB",
    "0.25",
  ];
  await startServer(readBases(ROOT).mongodb, member, `container:${first.id}`);
  const address = `${machine.inside}:27017`;
  mongodb = new MongoClient(`mongodb://${address}/?directConnection=true`);
  const config = { _id: "theirs", members: [{ _id: 0, host: address }] };
  await until("the set", () => mongodb.db("admin").command({ replSetInitiate: config }));
  const user = { createUser: "platform", pwd: PASSWORD, roles: ROLES };
  await until("its primary", () => mongodb.db("admin").command(user));
  return {
    mongodb: `mongodb://platform:${PASSWORD}@${address}/?replicaSet=theirs`,
    valkey: `valkey://:${PASSWORD}@${machine.inside}:6379/0`,
  };
}

/** Puts a secret into the stack file, as a person does. */
const setSecret = async (name: string, value: string) =>
  succeeded(
    await pulumi(STACK, ["config", "set", "--secret", "--path", `redfleet:secrets.${name}`, value]),
  );

const revisionIn = async (database: string) =>
  (await mongodb.db(database).collection("flows").findOne({}))?.revision;

describe("a stack on stores of somebody else", () => {
  beforeAll(async () => {
    await clear(STACK);
    const stores = await startStores();
    writeStack(
      STACK,
      platformConfig(STACK, {
        mongodb: { external: { uriSecret: "mongodb" } },
        valkey: { external: { urlSecret: "valkey" } },
        clusters: { main: { apiReplicas: 1, flowStore: "valkey" } },
        tenants: { solo: { template: "nodered-5" } },
      }),
    );
    for (const [name, value] of Object.entries(stores)) await setSecret(name, value);
    const { seconds } = await up(STACK);
    report("up of a stack on stores of somebody else", seconds, "s");
    platform = talkTo(STACK, await status(STACK));
  });

  afterAll(async () => {
    await platform?.client.close();
    await destroy(STACK);
    await mongodb?.close();
    await Promise.all(servers.map((server) => server.remove({ force: true, v: true })));
    await disconnect(process.pid);
  });

  it("has no store of its own, and its stack file tells no password", async () => {
    const components = (await containersOf(STACK.name)).map(
      ({ Config }) => Config.Labels["redfleet.component"],
    );
    expect(components).toEqual(expect.arrayContaining(["editor", "replica", "tenant"]));
    for (const store of ["mongodb", "valkey", "sentinel"]) expect(components).not.toContain(store);
    expect(readFileSync(stackFile(STACK), "utf8")).not.toContain(PASSWORD);
  });

  it("keeps a tenant's flows and users in that MongoDB", async () => {
    const admin = await platform.login("solo");
    await admin.deployTabs([tab("own"), ...endpoint("own", "own", "/own", "solo")]);
    const served = async () => (await platform.client.ask("solo", "/own")).body.includes("solo");
    await until("its flow", served);
    expect(await revisionIn("tenant-solo")).toBeGreaterThan(0);
  });

  it("keeps a cluster's flows in that Valkey, and its replica serves them", async () => {
    const admin = await platform.login("main");
    await admin.deployTabs([tab("all"), ...endpoint("all", "all", "/all", "main")]);
    const path = "/red-nodes/all";
    const served = async () => (await platform.client.ask("main", path)).body.includes("main");
    await until("the replica serves it", served);
    expect(await revisionIn("cluster-main")).toBeUndefined();
  });
});
