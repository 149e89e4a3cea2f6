import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engine } from "../support/engine.ts";
import { redisImage } from "../support/redis.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { until } from "../support/wait.ts";

/** Labels of the groups that these tests made. */
const made: string[] = [];

const servers = [
  { server: "Valkey", image: async () => undefined },
  { server: "Redis", image: () => redisImage("debian") },
];

describe.each(servers)("$server", ({ image }) => {
  let group: ValkeyGroup;
  let app: Redis;

  beforeAll(async () => {
    group = new ValkeyGroup({ image: await image(), nodes: 2 });
    made.push(group.lab.stack);
    await group.open();
    app = group.client("app");
  }, 180_000);

  afterAll(() => group?.close());

  it("answers nobody without a login", async () => {
    const ports = [
      ["valkey-0", 6379],
      ["sentinel-0", 26379],
    ] as const;
    for (const [member, port] of ports) {
      const cli = "$(command -v valkey-cli redis-cli | head -n 1)";
      const answer = await group.lab.run(member, ["bash", "-c", `${cli} -p ${port} PING`]);
      expect(answer).toContain("NOAUTH");
    }
  });

  it("gives an application its own keys and channels, and no command that rules the server", async () => {
    expect(await app.set("nr:key", "value")).toBe("OK");
    expect(await app.eval("return redis.call('get', KEYS[1])", 1, "nr:key")).toBe("value");
    expect(await app.publish("nr:channel", "message")).toBe(0);
    const refused: [string, ...string[]][] = [
      ["get", "other:key"],
      ["set", "other:key", "value"],
      ["publish", "other:channel", "message"],
      ["keys", "*"],
      ["flushall"],
      ["config", "get", "*"],
      ["acl", "list"],
      ["replicaof", "no", "one"],
      ["shutdown"],
    ];
    for (const [command, ...rest] of refused) {
      await expect(app.call(command, ...rest), command).rejects.toThrow(/NOPERM/);
    }
  });

  it("lets an application ask the Sentinels, and not steer them", async () => {
    const sentinel = group.direct("sentinel", 0, "app");
    const address = await sentinel.call("sentinel", "get-master-addr-by-name", "redfleet");
    expect(address).toEqual([group.address("valkey", 0), "6379"]);
    for (const command of ["failover", "remove", "reset"]) {
      await expect(sentinel.call("sentinel", command, "redfleet")).rejects.toThrow(/NOPERM/);
    }
  });

  it("keeps no password of a user in its access lists", async () => {
    for (const [member, file] of [
      ["valkey-0", "users.acl"],
      ["sentinel-0", "sentinel-users.acl"],
    ] as const) {
      const list = await group.lab.run(member, ["cat", `/data/${file}`]);
      for (const password of Object.values(group.passwords)) expect(list).not.toContain(password);
      expect(list).toMatch(/user app on #[0-9a-f]{64} /);
    }
  });

  it("fails over when its primary is killed", async () => {
    await group.lab.container("valkey-0").kill({ signal: "KILL" });
    await until("the other node as primary", async () => (await group.primary()) === 1, {
      seconds: 40,
    });
    await group.lab.container("valkey-0").start();
    expect(await group.settled()).toBe(1);
    expect(await until("the value", () => app.get("nr:key"))).toBe("value");
  });

  it("hands over when its primary is stopped", async () => {
    const primary = await group.settled();
    await group.stopPrimary(primary);
    await group.lab.container(`valkey-${primary}`).start();
    await group.settled();
    expect(await until("the value", () => app.get("nr:key"))).toBe("value");
  });

  it("takes new passwords at a restart, refuses the old ones, and keeps the data", async () => {
    const old = group.passwords.app;
    await group.changePasswords();
    const client = group.client("app");
    expect(await until("the value", () => client.get("nr:key"))).toBe("value");
    const outdated = group.direct("valkey", await group.settled());
    await expect(outdated.call("auth", "app", old)).rejects.toThrow(/WRONGPASS/);
    await expect(outdated.call("auth", "app", group.passwords.app)).resolves.toBe("OK");
  });
});

it("leaves nothing of these groups behind", async () => {
  expect(made).toHaveLength(servers.length);
  for (const stack of made) {
    const filters = { label: [`redfleet.stack=${stack}`] };
    expect(await engine.listContainers({ all: true, filters })).toEqual([]);
    expect(await engine.listNetworks({ filters })).toEqual([]);
    expect((await engine.listVolumes({ filters })).Volumes ?? []).toEqual([]);
  }
});
