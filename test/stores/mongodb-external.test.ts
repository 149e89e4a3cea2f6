import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databaseUri } from "../../components/mongodb/uri.ts";
import { type JobResult, ReplicaSet } from "../support/replica-set.ts";

/** Stands for a replica set of somebody else: the jobs know a connection string of it and nothing more. */
const set = new ReplicaSet({ tls: true });
const ROLES = ["userAdminAnyDatabase", "readWriteAnyDatabase", "dbAdminAnyDatabase"];

beforeAll(async () => {
  await set.open(1);
  const { code, log } = await set.initiate(1);
  expect(code, log).toBe(0);
  const client = set.client(1);
  const users = [
    { createUser: "platform", roles: ROLES },
    { createUser: "reader", roles: ["readAnyDatabase"] },
    { createUser: "acme", roles: [{ role: "readWrite", db: "tenant-acme" }] },
  ];
  for (const user of users) await client.db("admin").command({ ...user, pwd: "pw" });
  await client.close();
}, 180_000);

afterAll(() => set.close());

/** The job that makes a database, with this connection string; with a password it makes the user too. */
function provision(database: string, uri: string, password?: string): Promise<JobResult> {
  return set.job("provision-database", 1, {
    REDFLEET_MONGODB_URI_FILE: uri,
    REDFLEET_DATABASE: database,
    REDFLEET_DATABASE_USER: database,
    ...(password === undefined ? {} : { REDFLEET_DATABASE_PASSWORD_FILE: password }),
    REDFLEET_FIRST_USER: "admin",
    REDFLEET_FIRST_PASSWORD_FILE: "first-password",
  });
}

/** A client on the host with a connection string as a container has it. */
function clientOf(uri: string): MongoClient {
  const host = {
    lookup: (_: string, asked: { all?: boolean }, done: LookupDone) => {
      const address = set.lab.address(10);
      if (asked.all) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    },
  };
  const here = uri.replace(/&tlsCAFile=[^&]*/, "");
  return new MongoClient(here, {
    ca: set.authority,
    serverSelectionTimeoutMS: 10_000,
    ...host,
  } as object);
}

type LookupDone = (error: null, address: unknown, family?: number) => void;
const names = ({ events }: JobResult) => events.map((entry) => entry.event);

describe("a replica set of somebody else", () => {
  it("gives every database a user of its own, by a user with three roles and no more", async () => {
    const admin = set.uri(1, "platform:pw");
    const result = await provision("cluster-main", admin, "main-pw");
    expect(names(result), result.log).toEqual([
      ...["database-user-created", "first-user-created", "ready"],
    ]);
    const client = clientOf(databaseUri(admin, "cluster-main", "main-pw"));
    await client.db("cluster-main").collection("flows").insertOne({ text: "mine" });
    const other = client.db("tenant-acme").collection("flows").findOne();
    await expect(other).rejects.toThrow(/not authorized/);
    await client.close();
  });

  it("takes a database's own connection string, which makes no user", async () => {
    const result = await provision("tenant-acme", set.uri(1, "acme:pw"));
    expect(names(result), result.log).toEqual(["first-user-created", "ready"]);
    const client = set.client(1);
    expect(await client.db("tenant-acme").collection("users").countDocuments()).toBe(1);
    expect((await client.db("tenant-acme").command({ usersInfo: 1 })).users).toEqual([]);
    await client.close();
  });

  it("says what is missing when the user may not make users", async () => {
    const { code, log } = await provision("tenant-globex", set.uri(1, "reader:pw"), "globex-pw");
    expect(code).toBe(1);
    expect(log).toContain(
      "grant it userAdminAnyDatabase, readWriteAnyDatabase and dbAdminAnyDatabase",
    );
    expect(log).toContain("mongodb.external.databases");
    expect(log).not.toContain("globex-pw");
  });

  it("says so when the login is wrong, without repeating it", async () => {
    const { code, log } = await provision("tenant-globex", set.uri(1, "platform:wrong"), "x");
    expect(code).toBe(1);
    expect(log).toContain("refuses the login of the connection string");
    expect(log).not.toContain("wrong");
  });

  it("loses a tenant's database and user when that is confirmed", async () => {
    const variables = {
      REDFLEET_MONGODB_URI_FILE: set.uri(1, "platform:pw"),
      REDFLEET_DATABASE: "tenant-acme",
      REDFLEET_DATABASE_USER: "tenant-acme",
      REDFLEET_FOLDERS: "/data",
    };
    const { code, log } = await set.job("erase", 1, variables, ["/data"]);
    expect(code, log).toBe(0);
    const client = set.client(1);
    const { databases } = await client.db().admin().listDatabases();
    expect(databases.map(({ name }) => name)).not.toContain("tenant-acme");
    await client.close();
  });
});
