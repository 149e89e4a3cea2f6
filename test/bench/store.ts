import { hash } from "bcryptjs";
import { MongoClient } from "mongodb";
import { type Packed, packFlowSet } from "../../images/node-red/runtime/store/packing.ts";
import { engine } from "../support/engine.ts";
import type { FlowNode } from "../support/flows.ts";
import { platformImage } from "../support/image.ts";
import { until } from "../support/wait.ts";
import { CORE } from "./pinned.ts";

const PORT = 27517;
const LISTEN = ["--port", String(PORT), "--bind_ip", "127.0.0.1"];
const URI = `mongodb://127.0.0.1:${PORT}/?replicaSet=rs0`;

/** The editor's first user in every benchmark. */
export const PASSWORD = "bench-password";

/** Hash of it, cheap to check. */
export const hashPassword = (): Promise<string> => hash(PASSWORD, 4);

/** A MongoDB replica set of one member on the loopback, on the client's core. */
export interface Store {
  readonly uri: string;
  /** Gives a database its first revision and its first user; what was there is dropped. */
  seed(database: string, flows: readonly FlowNode[]): Promise<void>;
  /** Gives a database its first flows as the HTTP scaling article's plugin keeps them. */
  seedSynced(database: string, flows: readonly FlowNode[]): Promise<void>;
  /** Milliseconds of one acknowledged write of a flow set; see {@link packed}. */
  write(flows: readonly FlowNode[]): Promise<number>;
  close(): Promise<void>;
}

/** Starts the store in a container that `sweep` would find too. */
export async function startStore(): Promise<Store> {
  const container = await engine.createContainer({
    Image: await platformImage("mongodb"),
    Labels: { "redfleet.stack": "bench" },
    User: "0:0",
    Entrypoint: ["mongod"],
    Cmd: [...LISTEN, "--replSet", "rs0", "--dbpath", "/store", "--wiredTigerCacheSizeGB", "0.25"],
    HostConfig: { NetworkMode: "host", CpusetCpus: CORE.client, Tmpfs: { "/store": "size=512m" } },
  });
  await container.start();
  await initiate();
  const client = await new MongoClient(URI).connect();
  const passwordHash = await hashPassword();
  return {
    uri: URI,
    seed: (database, flows) => seed(client, database, flows, passwordHash),
    seedSynced: async (database, flows) => {
      const nodes = flows.map((node) => ({ ...node, instanceId: "bench" }));
      await client.db(database).collection("nodered-flows").insertMany(nodes);
    },
    write: (flows) => timedWrite(client, flows),
    close: async () => {
      await client.close();
      await container.remove({ force: true, v: true });
    },
  };
}

/** A flow set as the runtime writes it. The limit is the write of this alone: what packs it is our own time. */
export async function packed(flows: readonly FlowNode[]): Promise<Packed["flows"]> {
  return (await packFlowSet({ flows: JSON.stringify(flows), credentials: "{}" })).flows;
}

async function initiate(): Promise<void> {
  const direct = `mongodb://127.0.0.1:${PORT}/?directConnection=true`;
  await until("a writable primary", async () => {
    const client = await new MongoClient(direct, { serverSelectionTimeoutMS: 1000 }).connect();
    try {
      const admin = client.db("admin");
      const members = [{ _id: 0, host: `127.0.0.1:${PORT}` }];
      await admin.command({ replSetInitiate: { _id: "rs0", members } }).catch(() => undefined);
      return (await admin.command({ hello: 1 })).isWritablePrimary === true;
    } finally {
      await client.close();
    }
  });
}

async function timedWrite(client: MongoClient, flows: readonly FlowNode[]): Promise<number> {
  const written = client.db("limit").collection<{ _id: string; flows: Packed["flows"] }>("flows");
  const content = await packed(flows);
  const started = performance.now();
  const options = { upsert: true, writeConcern: { w: "majority" } } as const;
  await written.replaceOne({ _id: "current" }, { flows: content }, options);
  return performance.now() - started;
}

async function seed(
  client: MongoClient,
  name: string,
  flows: readonly FlowNode[],
  passwordHash: string,
): Promise<void> {
  const database = client.db(name);
  await database.dropDatabase();
  const revision = {
    _id: "current" as never,
    revision: 1,
    flows: JSON.stringify(flows),
    credentials: "{}",
    user: null,
    at: new Date(),
    digest: "",
    writeId: "bench",
  };
  await database.collection("flows").insertOne(revision);
  await database
    .collection("users")
    .insertOne({ _id: "admin" as never, passwordHash, role: "admin" });
}
