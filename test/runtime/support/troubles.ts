import { randomBytes } from "node:crypto";
import { freeze } from "../../support/containers.ts";
import type { LocalReplicaSet } from "../../support/mongodb.ts";
import type { ValkeyGroup } from "../../support/valkey-group.ts";
import type { Trouble } from "./torture.ts";

/** What can happen to a replica set and to those who follow its change streams. */
export function mongodbTroubles(set: LocalReplicaSet): Trouble[] {
  const revive = (member: number) => async () => {
    await set.revive(member);
    await set.whole();
  };
  const admin = (command: Record<string, unknown>) => set.client.db("admin").command(command);
  const failPoint = (mode: unknown) =>
    admin({
      configureFailPoint: "failCommand",
      mode,
      data: { failCommands: ["getMore"], blockConnection: true, blockTimeMS: 60_000 },
    });
  return [
    {
      name: "the primary was killed",
      begin: async () => {
        const primary = await set.primary();
        await set.kill(primary);
        return revive(primary);
      },
    },
    {
      name: "the primary hung",
      begin: async () => {
        const primary = await set.primary();
        await set.pause(primary);
        return revive(primary);
      },
    },
    {
      name: "the change stream went silent",
      begin: async () => {
        await failPoint("alwaysOn");
        return () => failPoint("off").then(() => {});
      },
    },
    {
      name: "all cursors were killed",
      begin: async () => {
        await admin({ killAllSessions: [] });
        return async () => {};
      },
    },
    {
      name: "the oplog rolled over",
      begin: async (replica) => {
        await replica.pause();
        // The oplog holds 64 MB.
        const junk = set.client.db("junk").collection("junk");
        for (let megabytes = 0; megabytes < 160; megabytes += 4) {
          await junk.insertOne({ bytes: randomBytes(4 * 1024 * 1024) });
        }
        await junk.drop();
        return () => replica.resume();
      },
    },
  ];
}

/** What can happen to a group of servers and to those who subscribe to it. */
export function valkeyTroubles(group: ValkeyGroup): Trouble[] {
  const container = (member: number) => group.lab.container(`valkey-${member}`);
  return [
    {
      name: "the primary was killed",
      begin: async () => {
        const primary = await group.settled();
        await container(primary).kill({ signal: "SIGKILL" });
        return async () => {
          await container(primary).start();
          await group.settled();
        };
      },
    },
    {
      name: "the primary hung",
      begin: async () => {
        const primary = await group.settled();
        await freeze(container(primary));
        return async () => {
          await container(primary).unpause();
          await group.settled();
        };
      },
    },
    {
      name: "all subscriptions were dropped",
      begin: async () => {
        await group.ask("valkey", await group.settled(), "CLIENT KILL TYPE pubsub");
        return async () => {};
      },
    },
    {
      name: "a replica heard nothing for a while",
      begin: async (replica) => {
        await replica.pause();
        await group.ask("valkey", await group.settled(), "CLIENT KILL TYPE pubsub");
        return () => replica.resume();
      },
    },
    {
      name: "a planned failover",
      begin: async () => {
        await group.settled();
        await group.orderFailover();
        return () => group.settled().then(() => {});
      },
    },
  ];
}
