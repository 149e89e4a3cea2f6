import { randomBytes } from "node:crypto";
import { hash } from "bcryptjs";
import type { UserRole } from "../../../images/node-red/runtime/store/types.ts";
import { type LocalReplicaSet, startReplicaSet } from "../../support/mongodb.ts";
import { type GroupOptions, ValkeyGroup } from "../../support/valkey-group.ts";
import { addUser, PASSWORD } from "./editor.ts";
import type { RuntimeOptions } from "./runtime.ts";
import { snapshotDatabase, snapshotKeys } from "./snapshots.ts";
import { settingsOf } from "./stores.ts";

/** A store for real runtimes, whichever it is. */
export interface StoreLab {
  /** How a runtime reaches it. */
  readonly access: Pick<RuntimeOptions, "uri" | "database" | "valkey">;
  addUser(name: string, role: UserRole): Promise<void>;
  /** What is stored now, as it is stored. */
  stored(): Promise<{ flows: string; credentials: string }>;
  /** Notes all that is stored; answers how to put it back. */
  snapshot(): Promise<() => Promise<void>>;
  /** Another cluster's part of the same servers; its name begins with this one's. It goes with them. */
  beside(): StoreLab;
  close(): Promise<void>;
}

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
    snapshot: () => snapshotDatabase(set.client.db(database)),
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
    snapshot: () => snapshotKeys(group.client("admin"), valkey.prefix),
    beside: () => ({ ...valkeyLab(group, `${name}-2`), close: nothing }),
    close: () => group.close(),
  };
}

/** A Valkey group with an empty prefix. */
export async function openValkey(
  options: GroupOptions = { nodes: 2 },
): Promise<StoreLab & { group: ValkeyGroup }> {
  const group = await new ValkeyGroup(options).open();
  return { group, ...valkeyLab(group, freshName()) };
}
