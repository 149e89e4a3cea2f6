import { randomBytes } from "node:crypto";
import type { MongoClient, Timestamp } from "mongodb";
import { freeze } from "../../support/containers.ts";
import type { LocalReplicaSet } from "../../support/mongodb.ts";
import type { ValkeyGroup } from "../../support/valkey-group.ts";
import { pause, until } from "../../support/wait.ts";
import type { Trouble } from "./torture.ts";

/** A fail point is off when nobody is held by it any more; a checkpoint takes its time. */
const PATIENT = { directConnection: true };

/** What can happen to a replica set and to those who follow its change streams. */
export function mongodbTroubles(set: LocalReplicaSet): Trouble[] {
  const revive = (member: number) => ({
    end: async () => {
      await set.revive(member);
      await set.whole();
    },
  });
  const admin = (command: Record<string, unknown>) => set.client.db("admin").command(command);
  /** On each member: where no primary was, streams were opened on others. Answers how often it was met before. */
  const failPoint = async (mode: unknown) => {
    const clients = set.members(PATIENT);
    const data = { failCommands: ["getMore"], blockConnection: true, blockTimeMS: 60_000 };
    const command = { configureFailPoint: "failCommand", mode, data };
    const answers = await Promise.all(clients.map((one) => one.db("admin").command(command)));
    await Promise.all(clients.map((one) => one.close()));
    return answers.reduce((sum, { count }) => sum + Number(count), 0);
  };
  /** Ids of the cursors of change streams on the primary. */
  const cursors = async () => {
    const found = await set.client
      .db("admin")
      .aggregate([
        { $currentOp: { allUsers: true, idleCursors: true } },
        // Those of replication are made by find.
        { $match: { "cursor.originatingCommand.aggregate": { $exists: true } } },
      ])
      .toArray();
    return found.map(({ cursor }) => String(cursor.cursorId));
  };
  return [
    {
      name: "the primary was killed",
      away: true,
      begin: async () => {
        const primary = await set.primary();
        await set.kill(primary);
        return revive(primary);
      },
    },
    {
      name: "the primary hung",
      away: true,
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
        // The looks at the stream that are under way end within a second; no other one will.
        await pause(1500);
        return {
          end: async () => {
            if (!((await failPoint("off")) > 0)) throw new Error("nobody asked the change stream");
          },
        };
      },
    },
    {
      name: "all cursors were killed",
      begin: async () => {
        const before = await cursors();
        if (before.length === 0) throw new Error("nobody has a cursor");
        await admin({ killAllSessions: [] });
        const left = async () => (await cursors()).filter((id) => before.includes(id));
        await until("all cursors are killed", async () => (await left()).length === 0);
        return { end: async () => {} };
      },
    },
    {
      name: "the oplog rolled over",
      stops: true,
      begin: async (replica) => {
        await replica.pause();
        const { lastWrite } = await admin({ hello: 1 });
        await rollOver(set, lastWrite.opTime.ts);
        return {
          end: () => replica.resume(),
          happened: async () => {
            // What ChangeStreamHistoryLost (286) says of a token that leads nowhere.
            const lost = /resume point may no longer be in the oplog/;
            await until("its token was refused", async () => lost.test(await replica.logs()));
          },
        };
      },
    },
  ];
}

/** Writes until the oplog of each member begins after a time. It is cut off no later than its last checkpoint. */
async function rollOver(set: LocalReplicaSet, time: Timestamp): Promise<void> {
  const members = set.members(PATIENT);
  const junk = set.client.db("junk").collection("junk");
  const isOver = async (member: MongoClient) => {
    const oplog = member.db("local").collection("oplog.rs");
    return (await oplog.findOne({}, { sort: { $natural: 1 } }))?.ts.greaterThan(time);
  };
  const write = async (megabytes: number) => {
    for (let done = 0; done < megabytes; done += 4) {
      await junk.insertOne({ bytes: randomBytes(4 * 1024 * 1024) });
    }
  };
  // It holds 64 MB.
  await write(128);
  const rolled = async () => {
    for (const member of members) await member.db("admin").command({ fsync: 1 });
    await write(16);
    return (await Promise.all(members.map(isOver))).every(Boolean);
  };
  // A busy disk takes seconds for each round.
  await until("the oplog rolled over", rolled, { seconds: 120 });
  await Promise.all(members.map((member) => member.close()));
  await junk.drop();
}

/** What can happen to a group of servers and to those who subscribe to it. */
export function valkeyTroubles(group: ValkeyGroup): Trouble[] {
  const container = (member: number) => group.lab.container(`valkey-${member}`);
  const killSubscriptions = async () => {
    const primary = await group.settled();
    const [killed] = await group.ask("valkey", primary, "CLIENT KILL TYPE pubsub");
    if (!(Number(killed) > 0)) throw new Error(`no subscription was dropped: ${killed}`);
  };
  return [
    {
      name: "the primary was killed",
      away: true,
      begin: async () => {
        const primary = await group.settled();
        await container(primary).kill({ signal: "SIGKILL" });
        return {
          end: async () => {
            await container(primary).start();
            await group.settled();
          },
        };
      },
    },
    {
      name: "the primary hung",
      away: true,
      begin: async () => {
        const primary = await group.settled();
        await freeze(container(primary));
        return {
          end: async () => {
            await container(primary).unpause();
            await group.settled();
          },
        };
      },
    },
    {
      name: "all subscriptions were dropped",
      begin: async () => {
        await killSubscriptions();
        return { end: async () => {} };
      },
    },
    {
      name: "a replica heard nothing for a while",
      stops: true,
      begin: async (replica) => {
        await replica.pause();
        await killSubscriptions();
        return { end: () => replica.resume() };
      },
    },
    {
      name: "a planned failover",
      begin: async () => {
        const before = await group.settled();
        await group.orderFailover();
        return {
          end: async () => {
            if ((await group.settled()) === before)
              throw new Error("the primary is still the same");
          },
        };
      },
    },
  ];
}
