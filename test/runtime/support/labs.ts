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
  close(): Promise<void>;
}

const freshName = () => `cluster-${randomBytes(3).toString("hex")}`;

/** A MongoDB replica set with an empty database. */
export async function openMongodb(): Promise<StoreLab & { set: LocalReplicaSet }> {
  const set = await startReplicaSet();
  const database = freshName();
  return {
    set,
    access: { uri: set.uri, database },
    addUser: (name, role) => addUser(set.client, database, name, role),
    stored: async () => {
      const found = await set.client.db(database).collection("flows").findOne({});
      return { flows: found?.flows, credentials: found?.credentials };
    },
    snapshot: () => snapshotDatabase(set.client.db(database)),
    close: () => set.close(),
  };
}

/** A Valkey group with an empty prefix. */
export async function openValkey(
  options: GroupOptions = { nodes: 2 },
): Promise<StoreLab & { group: ValkeyGroup }> {
  const group = await new ValkeyGroup(options).open();
  const valkey = settingsOf(group, freshName());
  const client = group.client("app");
  return {
    group,
    access: { valkey },
    addUser: async (name, role) => {
      const user = { passwordHash: await hash(PASSWORD, 4), role };
      await client.hset(`${valkey.prefix}users`, name, JSON.stringify(user));
    },
    stored: async () => {
      const [flows, credentials] = await client.hmget(
        `${valkey.prefix}flows:current`,
        "flows",
        "credentials",
      );
      return { flows: flows ?? "", credentials: credentials ?? "" };
    },
    snapshot: () => snapshotKeys(group.client("admin"), valkey.prefix),
    close: () => group.close(),
  };
}
