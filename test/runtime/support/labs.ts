import { randomBytes } from "node:crypto";
import { hash } from "bcryptjs";
import { BSON } from "mongodb";
import type { UserRole } from "../../../images/node-red/runtime/store/types.ts";
import { type LocalReplicaSet, startReplicaSet } from "../../support/mongodb.ts";
import { type GroupOptions, ValkeyGroup } from "../../support/valkey-group.ts";
import { addUser, PASSWORD } from "./editor.ts";
import { snapshotDatabase, snapshotKeys } from "./snapshots.ts";
import { type StoreAccess, settingsOf } from "./stores.ts";

/** A store for real runtimes, whichever it is. */
export interface StoreLab {
  /** How a runtime reaches it. */
  readonly access: StoreAccess;
  addUser(name: string, role: UserRole): Promise<void>;
  /** What is stored now, as it is stored. */
  stored(): Promise<{ flows: string; credentials: string }>;
  /** All that its servers keep and have kept, their logs of writes included, as raw text. */
  written(): Promise<string>;
  /** Notes all that is stored; answers how to put it back. */
  snapshot(): Promise<() => Promise<void>>;
  /** As if a worker had reported so many seconds earlier than it has. */
  unheard(worker: string, seconds: number): Promise<void>;
  /** Another cluster's part of the same servers; its name begins with this one's. It goes with them. */
  beside(): StoreLab;
  close(): Promise<void>;
}

/** One with a Valkey group in it, of which a test may want more. */
export type ValkeyLab = StoreLab & { readonly group: ValkeyGroup };

const freshName = () => `cluster-${randomBytes(3).toString("hex")}`;

const nothing = async () => {};

function mongodbLab(set: LocalReplicaSet, database: string): StoreLab {
  return {
    access: { uri: set.uri, database },
    addUser: (name, role) => addUser(set.client, database, name, role),
    stored: async () => {
      const found = await set.client.db(database).collection("flows").findOne({});
      return { flows: found?.flows, credentials: found?.credentials };
    },
    written: async () => {
      const kept = await set.client.db(database).collections();
      const all = [...kept, set.client.db("local").collection("oplog.rs")];
      const documents = await Promise.all(all.map((collection) => collection.find().toArray()));
      const raw = documents.flat().map((one) => Buffer.from(BSON.serialize(one)));
      return Buffer.concat(raw).toString("latin1");
    },
    snapshot: () => snapshotDatabase(set.client.db(database)),
    unheard: async (worker, seconds) => {
      const workers = set.client.db(database).collection<{ _id: string }>("workers");
      const earlier = { $subtract: ["$lastSeen", seconds * 1000] };
      await workers.updateOne({ _id: worker }, [{ $set: { lastSeen: earlier } }]);
    },
    beside: () => ({ ...mongodbLab(set, `${database}-2`), close: nothing }),
    close: () => set.close(),
  };
}

/** A MongoDB replica set with an empty database. */
export async function openMongodb(): Promise<StoreLab & { set: LocalReplicaSet }> {
  const set = await startReplicaSet();
  return { set, ...mongodbLab(set, freshName()) };
}

function valkeyLab(group: ValkeyGroup, name: string): StoreLab {
  const valkey = settingsOf(group, name);
  const client = group.client("app");
  return {
    access: { valkey },
    addUser: async (user, role) => {
      const found = { passwordHash: await hash(PASSWORD, 4), role };
      await client.hset(`${valkey.prefix}users`, user, JSON.stringify(found));
    },
    stored: async () => {
      const key = `${valkey.prefix}flows:current`;
      const [flows, credentials] = await client.hmget(key, "flows", "credentials");
      return { flows: flows ?? "", credentials: credentials ?? "" };
    },
    written: () => group.lab.run("valkey-0", ["sh", "-c", "cat /data/appendonlydir/*"]),
    snapshot: () => snapshotKeys(group.client("admin"), valkey.prefix),
    unheard: async (worker, seconds) => {
      const key = `${valkey.prefix}registry`;
      const report = JSON.parse((await client.hget(key, worker)) ?? "{}");
      report.lastSeen -= seconds * 1000;
      await client.hset(key, worker, JSON.stringify(report));
      await client.publish(`${valkey.prefix}workers`, worker);
    },
    beside: () => ({ ...valkeyLab(group, `${name}-2`), close: nothing }),
    close: () => group.close(),
  };
}

/** A Valkey group with an empty prefix. */
export async function openValkey(options: GroupOptions = { nodes: 2 }): Promise<ValkeyLab> {
  const group = await new ValkeyGroup(options).open();
  return { group, ...valkeyLab(group, freshName()) };
}

/** What the `dev` stack has: flows in MongoDB, all else in Valkey. */
export async function openDevLike(): Promise<ValkeyLab> {
  const [mongodb, valkey] = await Promise.all([openMongodb(), openValkey()]);
  const both = (flows: StoreLab, rest: StoreLab): StoreLab => ({
    ...flows,
    access: { ...flows.access, ...rest.access },
    beside: () => both(flows.beside(), rest.beside()),
    close: async () => {
      await Promise.all([flows.close(), rest.close()]);
    },
  });
  return { ...both(mongodb, valkey), group: valkey.group };
}
