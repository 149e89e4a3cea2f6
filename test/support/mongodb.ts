import { MongoClient, type MongoClientOptions } from "mongodb";
import { readBases } from "../../components/images/bases.ts";
import { WANTED_SETTINGS } from "../../images/agent/jobs/replica-set.ts";
import { freeze } from "./containers.ts";
import { engine } from "./engine.ts";
import { WORKER } from "./names.ts";
import { freePorts } from "./ports.ts";
import { ROOT } from "./process.ts";
import { DIRECT } from "./store-probe.ts";
import { until } from "./wait.ts";

/** A MongoDB replica set of three real members on the loopback, for whoever runs on the host's network. */
export interface LocalReplicaSet {
  readonly uri: string;
  readonly client: MongoClient;
  /** Clients of each member alone; by default such that never wait long, for a probe. */
  members(options?: MongoClientOptions): MongoClient[];
  /** Index of the primary. */
  primary(): Promise<number>;
  /** kill -9. */
  kill(member: number): Promise<void>;
  /** Hangs: the process stops, its connections stay open. */
  pause(member: number): Promise<void>;
  /** Lets a member run again that was killed or paused; nothing for one that runs. */
  revive(member: number): Promise<void>;
  /** States of the members that answer, by their own word. */
  states(): Promise<string[]>;
  /** Waits for one primary and two secondaries. */
  whole(): Promise<void>;
  close(): Promise<void>;
}

function createMember(port: number) {
  const flags = ["--replSet", "rs0", "--bind_ip", "127.0.0.1", "--port", String(port)];
  const small = ["--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64"];
  // Fail points: a server that is full or slow. The other one as on the platform.
  const test = ["enableTestCommands=1", "oplogNetworkTimeoutBufferSeconds=2"].flatMap((one) => [
    "--setParameter",
    one,
  ]);
  return engine.createContainer({
    Image: readBases(ROOT).mongodb,
    Labels: { "redfleet.stack": WORKER, "redfleet.component": "mongodb" },
    Entrypoint: ["mongod"],
    Cmd: [...flags, ...small, ...test],
    HostConfig: { NetworkMode: "host", Tmpfs: {}, Memory: 512 * 1024 * 1024 },
  });
}

/** As on the platform, but elections take about 2 s. */
async function initiate(ports: readonly number[]): Promise<void> {
  const direct = `mongodb://127.0.0.1:${ports[0]}/?directConnection=true`;
  const client = new MongoClient(direct, { serverSelectionTimeoutMS: 1000 });
  const config = {
    _id: "rs0",
    members: ports.map((port, index) => ({ _id: index, host: `127.0.0.1:${port}` })),
    settings: { ...WANTED_SETTINGS, electionTimeoutMillis: 2000 },
  };
  await until("a new member answers", () => client.connect());
  // All members have to answer each other: the first one may be up before the last.
  await until("the set is initiated", () =>
    client.db("admin").command({ replSetInitiate: config }),
  );
  await client.close();
}

/** Asks each member by itself: what a set tells of the others may be old. */
async function statesOf(ports: readonly number[]): Promise<string[]> {
  const answers = await Promise.allSettled(
    ports.map(async (port) => {
      const uri = `mongodb://127.0.0.1:${port}/?directConnection=true`;
      const client = new MongoClient(uri, { serverSelectionTimeoutMS: 1000 });
      try {
        const { myState } = await client.db("admin").command({ replSetGetStatus: 1 });
        return STATES[myState] ?? "OTHER";
      } finally {
        await client.close();
      }
    }),
  );
  return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
}

/** Numbers of the states of a member. */
const STATES: Readonly<Record<number, string>> = { 1: "PRIMARY", 2: "SECONDARY" };

async function untilWhole(ports: readonly number[]): Promise<void> {
  const whole = async () => (await statesOf(ports)).sort().join() === "PRIMARY,SECONDARY,SECONDARY";
  await until("one primary and two secondaries", whole, { seconds: 60 });
}

/** Starts the set; nothing of it is left after `close`. */
export async function startReplicaSet(): Promise<LocalReplicaSet> {
  const ports = await freePorts(3);
  const members = await Promise.all(ports.map(createMember));
  await Promise.all(members.map((member) => member.start()));
  await initiate(ports);
  await untilWhole(ports);
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(",");
  const uri = `mongodb://${hosts}/?replicaSet=rs0`;
  const client = await new MongoClient(uri, { serverSelectionTimeoutMS: 15_000 }).connect();
  const member = (index: number) => {
    const found = members[index];
    if (found === undefined) throw new Error(`no member ${index}`);
    return found;
  };
  return {
    uri,
    client,
    members: (options = DIRECT) =>
      ports.map((port) => new MongoClient(`mongodb://127.0.0.1:${port}/`, options)),
    primary: async () => {
      const { me } = await client.db("admin").command({ hello: 1 });
      return ports.indexOf(Number(String(me).split(":")[1]));
    },
    kill: (index) => member(index).kill({ signal: "SIGKILL" }),
    pause: (index) => freeze(member(index)),
    revive: async (index) => {
      const { State: state } = await member(index).inspect();
      if (state.Paused) await member(index).unpause();
      else if (!state.Running) await member(index).start();
    },
    states: () => statesOf(ports),
    whole: () => untilWhole(ports),
    close: async () => {
      await client.close();
      await Promise.all(members.map((one) => one.remove({ force: true, v: true })));
    },
  };
}
