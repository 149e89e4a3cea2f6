import bcrypt from "bcryptjs";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type JobResult, ReplicaSet } from "../support/replica-set.ts";

const set = new ReplicaSet();
const admin = () => set.client(1);

beforeAll(async () => {
  await set.open(1);
  const { code, log } = await set.initiate(1);
  expect(code, log).toBe(0);
}, 120_000);

afterAll(() => set.close());

function provision(database: string, first: string, password = `${database}-pw`) {
  return set.job("provision-database", 1, {
    REDFLEET_DATABASE: database,
    REDFLEET_DATABASE_USER: database,
    REDFLEET_DATABASE_PASSWORD_FILE: password,
    REDFLEET_FIRST_USER: "admin",
    REDFLEET_FIRST_PASSWORD_FILE: first,
  });
}

/** A client with a database's own login, as a runtime has it. */
function clientOf(database: string, password = `${database}-pw`): MongoClient {
  return set.client(1, { auth: { username: database, password }, authSource: database });
}

async function firstUser(database: string) {
  const client = admin();
  const users = client.db(database).collection<{ _id: string; passwordHash: string }>("users");
  const found = await users.find().toArray();
  await client.close();
  return found;
}

const names = ({ events }: JobResult) => events.map((entry) => entry.event);

describe("provisioning a database", () => {
  it("makes a user of the database and the first Node-RED user", async () => {
    const result = await provision("tenant-acme", "first-password");
    expect(names(result)).toEqual(["database-user-created", "first-user-created", "ready"]);
    const [user, ...others] = await firstUser("tenant-acme");
    expect(others).toEqual([]);
    expect(user).toMatchObject({ _id: "admin", role: "admin" });
    expect(await bcrypt.compare("first-password", user?.passwordHash ?? "")).toBe(true);
    expect(result.log).not.toMatch(/first-password|tenant-acme-pw/);
  });

  it("gives that user its own database, and nothing else", async () => {
    expect((await provision("tenant-globex", "other-password")).code).toBe(0);
    const client = clientOf("tenant-acme");
    const own = client.db("tenant-acme").collection("things");
    await own.insertOne({ text: "mine" });
    expect(await own.countDocuments()).toBe(1);
    const other = client.db("tenant-globex");
    await expect(other.collection("users").findOne()).rejects.toThrow(/not authorized/);
    await expect(other.collection("x").insertOne({})).rejects.toThrow(/not authorized/);
    await expect(client.db("admin").collection("system.users").findOne()).rejects.toThrow(
      /not authorized/,
    );
    const command = client.db("tenant-acme").command({ createUser: "x", pwd: "x", roles: [] });
    await expect(command).rejects.toThrow(/not authorized/);
    const { databases } = await client.db().admin().listDatabases();
    expect(databases.map((database) => database.name)).toEqual(["tenant-acme"]);
    await client.close();
  });

  it("lets nobody in without a login", async () => {
    const client = new MongoClient(`mongodb://${set.lab.address(10)}:27017/`, {
      directConnection: true,
    });
    await expect(client.db("tenant-acme").collection("users").findOne()).rejects.toThrow(
      /requires authentication/,
    );
    await client.close();
  });

  it("gives the first user the password of the stack, until a person has set one", async () => {
    const stored = async () => (await firstUser("tenant-acme"))[0]?.passwordHash ?? "";
    expect(names(await provision("tenant-acme", "second"))).toContain("first-user-updated");
    expect(await bcrypt.compare("second", await stored())).toBe(true);
    const client = admin();
    const users = client.db("tenant-acme").collection<{ _id: string }>("users");
    const passwordHash = await bcrypt.hash("changed-by-hand", 4);
    await users.updateOne({ _id: "admin" }, { $set: { passwordHash } });
    expect(names(await provision("tenant-acme", "second"))).toContain("first-user-unchanged");
    expect(names(await provision("tenant-acme", "third"))).toContain("first-user-kept");
    expect(await stored()).toBe(passwordHash);
    await client.close();
  });

  it("changes the database's password when the stack has another one", async () => {
    expect((await provision("tenant-acme", "second", "rotated-pw")).code).toBe(0);
    const [old, fresh] = [clientOf("tenant-acme"), clientOf("tenant-acme", "rotated-pw")];
    await expect(old.db("tenant-acme").command({ ping: 1 })).rejects.toThrow(/Authentication/);
    expect(await fresh.db("tenant-acme").collection("things").countDocuments()).toBe(1);
    await Promise.all([old.close(), fresh.close()]);
  });

  it("refuses MongoDB's own databases", async () => {
    const { code, log } = await provision("admin", "x");
    expect(code).toBe(1);
    expect(log).toContain("belongs to MongoDB itself");
  });
});

describe("erasing a tenant or cluster", () => {
  const erase = (database: string) => {
    const names = { REDFLEET_DATABASE: database, REDFLEET_DATABASE_USER: database };
    return set.job("erase", 1, { ...names, REDFLEET_FOLDERS: "/data" }, ["/data"]);
  };

  it("drops its user and its database, nobody else's, and does so again without harm", async () => {
    const first = await erase("tenant-acme");
    expect(first.code, first.log).toBe(0);
    expect(names(first)).toContain("database-user-dropped");
    const client = admin();
    const { databases } = await client.db().admin().listDatabases();
    const left = databases.map((database) => database.name);
    expect(left).not.toContain("tenant-acme");
    expect(left).toContain("tenant-globex");
    const { users } = await client.db("tenant-acme").command({ usersInfo: 1 });
    expect(users).toEqual([]);
    await client.close();
    expect((await erase("tenant-acme")).code).toBe(0);
  });

  it("refuses to erase what belongs to neither", async () => {
    const { code, log } = await erase("admin");
    expect(code).toBe(1);
    expect(log).toContain("only a tenant's or cluster's database");
  });
});
