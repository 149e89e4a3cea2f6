import { randomUUID } from "node:crypto";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readBases } from "../../components/images/bases.ts";
import { createLogger } from "../../images/node-red/runtime/log.ts";
import { MongodbFlowStore } from "../../images/node-red/runtime/store/mongodb.ts";
import { answering, tab } from "../support/flows.ts";
import { imageOf } from "../support/image.ts";
import { Load } from "../support/load.ts";
import { ROOT } from "../support/process.ts";
import { until } from "../support/wait.ts";
import { EdgeLab } from "./support/edge-lab.ts";

const MEMBERS = [0, 1, 2];
const FLOWS = [
  tab("t"),
  ...answering("t", "fast", "/fast", 'msg.payload = "fast";'),
  ...answering("t", "poison", "/poison", "for (;;);"),
];

const lab = new EdgeLab();

/** A document store in the edge's network, of one member; its connection string. */
async function startStore(): Promise<string> {
  const name = "mongodb-0";
  await lab.startPart(name, {
    Image: readBases(ROOT).mongodb,
    Entrypoint: ["mongod"],
    Cmd: ["--replSet", "rs0", "--bind_ip_all", "--wiredTigerCacheSizeGB", "0.25"],
  });
  const host = `${await lab.address(name)}:27017`;
  const client = new MongoClient(`mongodb://${host}/?directConnection=true`);
  const config = { _id: "rs0", members: [{ _id: 0, host }] };
  await until("the store", () => client.db("admin").command({ replSetInitiate: config }));
  await client.close();
  return `mongodb://${host}/?replicaSet=rs0`;
}

async function saveFlows(uri: string): Promise<void> {
  const log = createLogger("error", {});
  const common = { uri, database: "poison", appName: "test", pollSeconds: 30, history: 1, log };
  const store = new MongodbFlowStore(common);
  await store.connect(AbortSignal.timeout(30_000));
  const flows = JSON.stringify(FLOWS);
  await store.commit(0, {
    ...{ flows, credentials: "{}", user: null, digest: "", writeId: randomUUID() },
  });
  await store.close();
}

/** A replica as the platform runs it, with the image's own health check. */
async function startReplica(image: string, uri: string, member: number): Promise<void> {
  const files = "/tmp/redfleet";
  const environment = {
    REDFLEET_ROLE: "replica",
    REDFLEET_NAME: "main",
    REDFLEET_HTTP_NODE_ROOT: "/red-nodes",
    REDFLEET_MONGODB_URI_FILE: `${files}/uri`,
    REDFLEET_MONGODB_DATABASE: "poison",
    REDFLEET_CREDENTIAL_SECRET_FILE: `${files}/secret`,
  };
  const write = `mkdir -p ${files} && echo '${uri}' >${files}/uri && echo secret >${files}/secret`;
  await lab.startPart(
    `replica-main-${member}`,
    {
      Image: image,
      Cmd: ["/bin/sh", "-c", `${write} && exec node /app/start.cjs`],
      Env: Object.entries(environment).map(([key, value]) => `${key}=${value}`),
    },
    lab.name("replica-main"),
  );
}

const ask = (path: string) =>
  lab.client.ask(lab.host("main"), `/red-nodes${path}`, { timeout: 100_000 });

const starts = () =>
  Promise.all(
    MEMBERS.map(async (member) => {
      return (await lab.container(`replica-main-${member}`).inspect()).State.StartedAt;
    }),
  );

const allReady = () =>
  until("all replicas to be ready", async () => {
    const all = MEMBERS.map(async (member) => {
      const address = await lab.address(`replica-main-${member}`);
      return address !== "" && (await fetch(`http://${address}:1881/readyz`)).ok;
    });
    return (await Promise.all(all)).every(Boolean);
  });

beforeAll(async () => {
  const { node, nodeBuild } = readBases(ROOT);
  const image = await imageOf("node-red", {
    NODE_BASE: node,
    NODE_BUILD: nodeBuild,
    NODE_RED: "5",
  });
  await lab.open({ rateLimitPerSecond: 0 });
  const uri = await startStore();
  await saveFlows(uri);
  for (const member of MEMBERS) await startReplica(image, uri, member);
  await lab.setRoute("cluster", "main", {
    ...{ hosts: lab.host("main"), state: "running", prefix: "/red-nodes", options: "{}" },
    ...{ upstream: lab.name("editor-main"), api: lab.name("replica-main") },
  });
  await allReady();
  await until("the route", async () => (await ask("/fast")).status === 200);
});
afterAll(() => lab.close());

it("a request that never ends costs one replica a restart, and nobody else an answer", async () => {
  const before = await starts();
  const load = new Load({ ask: () => ask("/fast"), perSecond: 10 });
  const poison = await ask("/poison");
  expect(`${poison.status} ${poison.body}`).toContain("500 The process ended");
  await allReady();
  const { lost, sent } = await load.stop();
  expect(lost).toEqual([]);
  expect(sent).toBeGreaterThan(100);
  const after = await starts();
  expect(after.filter((start, member) => start !== before[member])).toHaveLength(1);
});
