import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { platformImage } from "../support/image.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { until } from "../support/wait.ts";

describe("users of clusters", () => {
  const group = new ValkeyGroup({ nodes: 2 });
  const passwords: Record<string, string> = {};
  const clients: Redis[] = [];

  beforeAll(async () => {
    await group.open();
  }, 180_000);
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await group.close();
  });

  /** Runs the platform's job that makes or renews a user. */
  async function provide(user: string): Promise<void> {
    passwords[user] = randomBytes(12).toString("hex");
    await run("/redfleet/user", user);
  }

  /** Runs one of the jobs for a user, to its end. @returns what it printed */
  async function run(command: string, user: string): Promise<string> {
    const password = passwords[user] ?? "";
    const name = `job-${user}`;
    const job = await group.lab.start({
      ...{ name, component: "job", user: 999, command: [command], memoryMb: 64 },
      image: await platformImage("valkey"),
      files: { "users.json": JSON.stringify(group.passwords), "store-password": password },
      environment: {
        REDFLEET_USERS_FILE: "/run/redfleet/users.json",
        REDFLEET_SERVERS: [0, 1].map((member) => group.address("valkey", member)).join(","),
        REDFLEET_SENTINELS: [0, 1, 2].map((member) => group.address("sentinel", member)).join(","),
        REDFLEET_STORE_USER: user,
        REDFLEET_STORE_PASSWORD_FILE: "/run/redfleet/store-password",
      },
    });
    const { StatusCode: code } = await job.wait();
    const log = await group.lab.logs(name);
    expect(code, log).toBe(0);
    await group.lab.remove(name);
    return log;
  }

  /** A client of one member, logged in as a user. */
  function login(user: string, host: string, port = 6379, password = passwords[user]): Redis {
    const client = new Redis({
      ...{ host, port, username: user, password, lazyConnect: true, retryStrategy: () => null },
    });
    client.on("error", () => {});
    clients.push(client);
    return client;
  }

  it("may touch their own keys and channels, and nobody else's, not even by name", async () => {
    await provide("cluster-a");
    await provide("cluster-b");
    const primary = group.address("valkey", await group.primary());
    const [a, b] = [login("cluster-a", primary), login("cluster-b", primary)];
    await b.set("nr:cluster-b:key", "b");
    expect(await a.set("nr:cluster-a:key", "a")).toBe("OK");
    expect(await a.eval("return redis.call('get', KEYS[1])", 1, "nr:cluster-a:key")).toBe("a");
    expect(await a.publish("nr:cluster-a:news", "x")).toBe(0);
    const refused: [string, ...string[]][] = [
      ["get", "nr:cluster-b:key"],
      ["set", "nr:cluster-b:key", "x"],
      ["publish", "nr:cluster-b:news", "x"],
      ["subscribe", "nr:cluster-b:news"],
      ["eval", "return redis.call('get', 'nr:cluster-b:key')", "0"],
      ["scan", "0"],
      ["randomkey"],
      ["dbsize"],
      ["keys", "*"],
      ["flushall"],
      ["script", "flush"],
      ["function", "flush"],
      ["acl", "whoami", "x"],
      ["client", "kill", "type", "normal"],
      ["config", "get", "*"],
    ];
    for (const [command, ...rest] of refused) {
      const told = command === "acl" ? /NOPERM|wrong number/ : /NOPERM|permission/i;
      await expect(a.call(command, ...rest), command).rejects.toThrow(told);
    }
  });

  it("may ask each Sentinel for the primary, and not steer it", async () => {
    for (const member of [0, 1, 2]) {
      const sentinel = login("cluster-a", group.address("sentinel", member), 26379);
      const [host] = (await sentinel.call("sentinel", "get-master-addr-by-name", "redfleet")) as [
        string,
      ];
      expect(host).toBe(group.address("valkey", await group.primary()));
      await expect(sentinel.call("sentinel", "failover", "redfleet")).rejects.toThrow(/NOPERM/);
    }
  });

  it("outlive restarts, and reach members that come later", async () => {
    for (const name of ["valkey-0", "valkey-1", "sentinel-0"]) {
      await group.lab.container(name).restart();
      await group.lab.healthy(name, 60);
      await group.settled();
    }
    const image = await platformImage("valkey");
    await group.startMember("valkey", 2, image);
    await group.lab.healthy("valkey-2", 60);
    const places = [
      ...[0, 1, 2].map((member) => [group.address("valkey", member), 6379] as const),
      [group.address("sentinel", 0), 26379] as const,
    ];
    for (const [host, port] of places) {
      const client = login("cluster-a", host, port);
      expect(await until(`${host} knows the user`, () => client.ping())).toBe("PONG");
    }
  });

  it("take a new password, and lose the old one", async () => {
    const old = passwords["cluster-b"];
    await provide("cluster-b");
    for (const member of [0, 1]) {
      const host = group.address("valkey", member);
      expect(await login("cluster-b", host).ping()).toBe("PONG");
      await expect(login("cluster-b", host, 6379, old).ping()).rejects.toThrow();
    }
  });

  it("are erased with all of their keys, and nobody else's, their connections ended", async () => {
    const primary = group.address("valkey", await group.primary());
    const [a, b] = [login("cluster-a", primary), login("cluster-b", primary)];
    const keys = Array.from({ length: 5000 }, (_, index) => `nr:cluster-a:${index}`);
    await a.mset(keys.flatMap((key) => [key, "a"]));
    await b.set("nr:cluster-b:key", "b");
    // 5,000 keys, and the one of the first test.
    expect(await run("/redfleet/erase-user", "cluster-a")).toContain("5001 keys erased");
    await expect(a.ping()).rejects.toThrow();
    for (const [host, port] of [
      ...[0, 1].map((member) => [group.address("valkey", member), 6379] as const),
      ...[0, 1, 2].map((member) => [group.address("sentinel", member), 26379] as const),
    ]) {
      await expect(login("cluster-a", host, port).ping()).rejects.toThrow(/WRONGPASS/);
    }
    const admin = login("admin", primary, 6379, group.passwords.admin);
    expect(await admin.keys("nr:cluster-a:*")).toEqual([]);
    expect(await b.get("nr:cluster-b:key")).toBe("b");
    expect(await run("/redfleet/erase-user", "cluster-a")).toContain("0 keys erased");
  });
});
