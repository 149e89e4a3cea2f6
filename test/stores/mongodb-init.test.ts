import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type JobResult, ReplicaSet, statesOf } from "../support/replica-set.ts";
import { until } from "../support/wait.ts";

const set = new ReplicaSet();

beforeAll(() => set.open(3), 120_000);
afterAll(() => set.close());

const eventsOf = (results: readonly JobResult[]) =>
  results.flatMap((result) => result.events.map((entry) => entry.event));

/** Starts the job and kills it as soon as it has logged this. */
async function killedAfter(event: string): Promise<JobResult> {
  const job = await set.startJob("mongodb-init", 3, {}, { local: true });
  const logged = async () => {
    const log = await set.lab.container(job).logs({ stdout: true });
    return log.toString().includes(`"${event}"`);
  };
  await until(`the job to log ${event}`, logged, { every: 20 });
  await set.lab.container(job).kill({ signal: "KILL" });
  return set.finish(job);
}

describe("the replica set's job", () => {
  it("makes one set though killed twice half-way and then run five times at once", async () => {
    const initiated = await killedAfter("initiated");
    expect(initiated.code).toBe(137);
    const added = await killedAfter("member-add");
    expect(added.code).toBe(137);

    const results = await Promise.all(Array.from({ length: 5 }, () => set.initiate(3)));
    expect(results.map((result) => result.code)).toEqual([0, 0, 0, 0, 0]);
    const all = eventsOf([initiated, added, ...results]);
    expect(all.filter((event) => event === "initiated")).toHaveLength(1);
    expect(all.filter((event) => event === "admin-created").length).toBeLessThanOrEqual(1);
  });

  it("leaves one set of voting members, one user, and majority as the default", async () => {
    const client = set.client(3);
    const admin = client.db("admin");
    const { config } = await admin.command({ replSetGetConfig: 1 });
    expect(config.members.map((member: { host: string }) => member.host)).toEqual(set.hosts(3));
    expect(config.members.map((member: { votes: number }) => member.votes)).toEqual([1, 1, 1]);
    expect(config.settings).toMatchObject({
      electionTimeoutMillis: 4000,
      heartbeatIntervalMillis: 500,
    });
    expect(Object.values(await statesOf(client)).sort()).toEqual([
      "PRIMARY",
      "SECONDARY",
      "SECONDARY",
    ]);
    const { users } = await admin.command({ usersInfo: { forAllDBs: true } });
    expect(users.map((user: { _id: string }) => user._id)).toEqual(["admin.redfleet-admin"]);
    const defaults = await admin.command({ getDefaultRWConcern: 1 });
    expect(defaults.defaultWriteConcern.w).toBe("majority");
    expect(defaults.defaultReadConcern.level).toBe("majority");
    await client.close();
  });

  it("changes nothing when all is as wanted", async () => {
    const { code, events } = await set.initiate(3);
    expect(code).toBe(0);
    const names = events.map((entry) => entry.event);
    expect(names).toEqual(["already-initiated", "admin-verified", "ready"]);
  });

  it("refuses another password with a message that says so, and logs no secret", async () => {
    const wrong = "not-the-password";
    const { code, log } = await set.initiate(3, { REDFLEET_ADMIN_PASSWORD_FILE: wrong });
    expect(code).toBe(1);
    expect(log).toContain("exists with another password");
    expect(log).not.toContain(wrong);
    expect(log).not.toContain(set.adminPassword);
  });

  it("takes back member 0 without its volume, and never makes a second set", async () => {
    const client = set.client(3);
    await client.db("test").collection("kept").insertOne({ text: "before" });
    const before = (await client.db("admin").command({ replSetGetConfig: 1 })).config;
    await set.lab.remove("mongodb-0", { data: true });
    await set.startMembers([0]);

    const { code, events } = await set.initiate(3);
    expect(code).toBe(0);
    expect(events.map((entry) => entry.event)).not.toContain("initiated");
    const after = (await client.db("admin").command({ replSetGetConfig: 1 })).config;
    expect(after.settings.replicaSetId).toEqual(before.settings.replicaSetId);
    const copy = set.direct(0);
    const kept = copy.db("test").collection("kept");
    const count = () =>
      kept.countDocuments({ text: "before" }, { readPreference: "secondaryPreferred" });
    await until("the document on member 0", async () => (await count()) === 1);
    await Promise.all([client.close(), copy.close()]);
  });

  it("fails, and initiates nothing, while a member that may hold the data is silent", async () => {
    const other = await new ReplicaSet().open(1);
    try {
      const { code, log } = await other.initiate(2, { REDFLEET_TIMEOUT_SECONDS: "3" });
      expect(code).toBe(1);
      expect(log).toContain("an answer from every one of");
      expect(log).not.toContain('"initiated"');
    } finally {
      await other.close();
    }
  });
});
