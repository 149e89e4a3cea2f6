import type { ValkeySettings } from "../../../images/node-red/runtime/environment.ts";
import { createLogger } from "../../../images/node-red/runtime/log.ts";
import { MongodbFlowStore } from "../../../images/node-red/runtime/store/mongodb.ts";
import type { FlowStore } from "../../../images/node-red/runtime/store/types.ts";
import { ValkeyFlowStore } from "../../../images/node-red/runtime/store/valkey.ts";
import { freeze } from "../../support/containers.ts";
import { type LocalReplicaSet, startReplicaSet } from "../../support/mongodb.ts";
import { redisImage } from "../../support/redis.ts";
import { ValkeyGroup } from "../../support/valkey-group.ts";
import { until } from "../../support/wait.ts";
import { snapshotDatabase, snapshotKeys } from "./snapshots.ts";

const log = createLogger("error", { component: "store-test" });

/** Old revisions that the stores of the tests keep. */
export const HISTORY = 3;

/** What can be wrong with a whole store. */
export type Fault = "read-only" | "full" | "slow" | "gone" | "alone";

/** A real store to run tests on. */
export interface Backend {
  /** Faults that it can bring about and come back from with all that it has acknowledged. */
  readonly faults: readonly Fault[];
  start(): Promise<void>;
  /** A store on the named set of data; the same name is the same data. */
  open(name: string): FlowStore;
  /** Notes all of a set of data; answers how to put it back: the store has lost what came since. */
  snapshot(name: string): Promise<() => Promise<void>>;
  /** Brings a fault about; answers how to end it. */
  fault(kind: Fault): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

/** How a runtime reaches a store. */
export interface StoreAccess {
  readonly uri?: string;
  readonly database?: string;
  readonly valkey?: ValkeySettings;
}

const common = { appName: "test", pollSeconds: 2, history: HISTORY, log };
const MEMBERS = [0, 1, 2];

/** A store on the data of a lab's runtimes. @param appName what the servers know it by. */
export function openStoreOf(
  { uri, database = "", valkey }: StoreAccess,
  appName = common.appName,
): FlowStore {
  if (uri !== undefined) return new MongodbFlowStore({ ...common, appName, uri, database });
  if (valkey) return new ValkeyFlowStore({ ...common, appName, settings: valkey, waitReplicas: 1 });
  throw new Error("no store");
}

class MongodbBackend implements Backend {
  readonly faults = ["read-only", "full", "gone"] as const;
  private set: LocalReplicaSet | undefined;

  private get mongodb(): LocalReplicaSet {
    if (this.set === undefined) throw new Error("not started");
    return this.set;
  }

  async start() {
    this.set = await startReplicaSet();
  }

  open(database: string) {
    return new MongodbFlowStore({ ...common, uri: this.mongodb.uri, database });
  }

  snapshot(database: string) {
    return snapshotDatabase(this.mongodb.client.db(database));
  }

  async fault(kind: Fault) {
    const primary = await this.mongodb.primary();
    const revive = async () => {
      await Promise.all(MEMBERS.map((member) => this.mongodb.revive(member)));
      await this.mongodb.whole();
    };
    if (kind === "alone") {
      for (const member of MEMBERS) if (member !== primary) await this.mongodb.pause(member);
      return revive;
    }
    if (kind === "read-only") {
      // A member without a majority becomes a secondary, which can be read.
      for (const member of MEMBERS) if (member !== primary) await this.mongodb.kill(member);
      await until(
        "nobody is primary",
        async () => (await this.mongodb.states()).join() === "SECONDARY",
      );
      return revive;
    }
    if (kind === "gone") {
      for (const member of MEMBERS) await this.mongodb.kill(member);
      return revive;
    }
    const OUT_OF_DISK_SPACE = 14031;
    const data =
      kind === "full"
        ? { errorCode: OUT_OF_DISK_SPACE }
        : { blockConnection: true, blockTimeMS: 3000 };
    const failCommands = ["insert", "update", "aggregate"];
    const point = (mode: object | string) =>
      this.mongodb.client
        .db("admin")
        .command({ configureFailPoint: "failCommand", mode, data: { ...data, failCommands } });
    await point(kind === "full" ? "alwaysOn" : { times: 1 });
    return async () => {
      await point("off");
    };
  }

  async stop() {
    await this.set?.close();
  }
}

/** How a store on a group reaches it, as the user `app`. */
export function settingsOf(group: ValkeyGroup, name: string): ValkeySettings {
  const sentinels = [0, 1, 2].map((member) => ({
    host: group.address("sentinel", member),
    port: 26379,
  }));
  const { app } = group.passwords;
  const sentinel = { sentinelUsername: "app", sentinelPassword: app };
  return { sentinels, ...sentinel, username: "app", password: app, prefix: `nr:${name}:` };
}

class ValkeyBackend implements Backend {
  readonly faults = ["read-only", "full", "gone"] as const;
  private readonly image: (() => Promise<string>) | undefined;
  private opened: ValkeyGroup | undefined;

  /** @param image what makes the servers' image. Default: the platform's Valkey. */
  constructor(image?: () => Promise<string>) {
    this.image = image;
  }

  private get group(): ValkeyGroup {
    if (this.opened === undefined) throw new Error("not started");
    return this.opened;
  }

  async start() {
    this.opened = await new ValkeyGroup({ image: await this.image?.() }).open();
  }

  open(name: string) {
    const settings = settingsOf(this.group, name);
    return new ValkeyFlowStore({ ...common, settings, waitReplicas: 1 });
  }

  snapshot(name: string) {
    return snapshotKeys(this.group.client("admin"), settingsOf(this.group, name).prefix);
  }

  async fault(kind: Fault) {
    const primary = await this.group.settled();
    const command = (text: string) => this.group.ask("valkey", primary, text);
    if (kind === "read-only") {
      await command("CONFIG SET min-replicas-to-write 5");
      return () => command("CONFIG SET min-replicas-to-write 1").then(() => {});
    }
    if (kind === "full") {
      await command("CONFIG SET maxmemory 1");
      return () => command("CONFIG SET maxmemory 64mb").then(() => {});
    }
    if (kind === "slow") {
      await command("CLIENT PAUSE 3000 WRITE");
      return async () => {};
    }
    const container = (name: string) => this.group.lab.container(name);
    const members = MEMBERS.map((member) => container(`valkey-${member}`));
    if (kind === "alone") {
      const others = members.filter((_, member) => member !== primary);
      await Promise.all(others.map(freeze));
      return async () => {
        await Promise.all(others.map((member) => member.unpause()));
        await this.group.settled();
      };
    }
    const all = [...members, ...MEMBERS.map((member) => container(`sentinel-${member}`))];
    await Promise.all(all.map((member) => member.kill({ signal: "SIGKILL" })));
    return async () => {
      await Promise.all(all.map((member) => member.start()));
      await this.group.settled();
    };
  }

  async stop() {
    await this.opened?.close();
  }
}

/** The back ends of the flow store, each on a real group of servers. */
export const BACKENDS: readonly [string, () => Backend][] = [
  ["MongoDB", () => new MongodbBackend()],
  ["Valkey", () => new ValkeyBackend()],
  ["Redis 6.2", () => new ValkeyBackend(() => redisImage("6.2"))],
];
