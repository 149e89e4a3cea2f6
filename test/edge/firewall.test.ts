import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engine } from "../support/engine.ts";
import { until } from "../support/wait.ts";
import { EdgeLab } from "./support/edge-lab.ts";

/** A document store of somebody else, in a range that is closed to tenants. */
const STORE = "10.255.254.10:27017";

const lab = new EdgeLab();
const other = new EdgeLab();
let server: Server;
let hostPort: number;

// Tries each `address:port` for so long; prints what came of it.
const prober = `
const net = require("net");
const probe = (target) => new Promise((resolve) => {
  const at = target.lastIndexOf(":");
  const socket = net.connect({ host: target.slice(0, at), port: Number(target.slice(at + 1)) });
  const end = (outcome) => { socket.destroy(); resolve([target, outcome]); };
  socket.setTimeout(1200, () => end("silent"));
  socket.on("connect", () => end("open"));
  socket.on("error", (error) => end(error.code));
});
Promise.all(process.argv.slice(1).map(probe)).then((all) => console.log(JSON.stringify(all)));`;

// Keeps as many connections as it gets of so many, for a second; prints their number.
const holder = `
const net = require("net");
const [host, port, most] = process.argv.slice(1);
let open = 0;
for (let at = 0; at < most; at += 1) net.connect({ host, port }, () => { open += 1; });
setTimeout(() => { console.log(open); process.exit(); }, 1000);`;

async function probe(part: string, targets: string[], from = lab) {
  const outcomes = JSON.parse(await from.run(part, ["node", "-e", prober, ...targets]));
  return Object.fromEntries(outcomes) as Record<string, string>;
}

/** Packets that a chain of the stack's table has dropped. */
async function dropped(chain: string): Promise<number> {
  const table = `redfleet-${lab.stack}`;
  const listed = await lab.run("agent", ["nft", "-j", "list", "chain", "inet", table, chain]);
  const rules = JSON.parse(listed).nftables.flatMap(
    (entry: { rule?: { expr: { counter?: { packets: number } }[] } }) => entry.rule?.expr ?? [],
  );
  const packets = rules.map(
    (part: { counter?: { packets: number } }) => part.counter?.packets ?? 0,
  );
  return packets.reduce((sum: number, count: number) => sum + count, 0);
}

/** The addresses under which a container may find this machine. */
async function hostAddresses(network: string): Promise<string[]> {
  const { IPAM } = await engine.getNetwork(lab.name(network)).inspect();
  // The bridges of other networks come and go with other tests.
  const own = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    name.startsWith("br-") ? [] : addresses,
  );
  const outward = own.filter((one) => one.family === "IPv4" && !one.internal);
  const gateway = IPAM?.Config?.[0]?.Gateway ?? "";
  return [...new Set([gateway, ...outward.map((one) => one.address)])];
}

beforeAll(async () => {
  server = createServer((socket) => socket.end()).listen(0, "0.0.0.0");
  await until("a listener on the host", () => server.listening);
  hostPort = (server.address() as { port: number }).port;
  await Promise.all([
    lab.open({}, { "external-stores": `${STORE}\nlocalhost:27017\nnowhere.invalid:27017` }),
    other.open(),
  ]);
  await lab.makeNetwork(lab.name("data"), "data", "", { Internal: true });
  const store = { name: "mongodb-0", component: "mongodb", key: "" };
  await lab.startUpstream({ ...store, network: lab.name("data") });
  await lab.addTenant("acme");
  await lab.addTenant("globex");
  await other.addTenant("initech");
  await until("both tenants and their neighbours", async () => {
    const parts = ["acme", "globex"].map((key) => lab.client.ask(lab.host(key), "/"));
    const answers = await Promise.all([...parts, other.client.ask(other.host("initech"), "/")]);
    return answers.every((answer) => answer.status === 200);
  });
  await until("the store in the tenant's network", () => lab.address("mongodb-0", "tenant-acme"));
});
afterAll(async () => {
  server.close();
  await Promise.all([lab.close(), other.close()]);
});

describe("a tenant", () => {
  it("reaches the store and nothing else of the platform, the host or its neighbours", async () => {
    const store = await lab.address("mongodb-0", "tenant-acme");
    const closed = [
      ...(await hostAddresses("tenant-acme")).map((address) => `${address}:${hostPort}`),
      `${await lab.address("tenant-globex", "tenant-globex")}:1880`,
      `${await other.address("tenant-initech", "tenant-initech")}:1880`,
      `${await lab.address("mongodb-0", "data")}:1880`,
      `${await lab.address("edge")}:8443`,
      "169.254.169.254:80",
      "100.100.100.200:80",
      "192.168.77.1:80",
    ];
    const outcome = await probe("tenant-acme", [`${store}:1880`, ...closed]);
    expect(outcome[`${store}:1880`]).toBe("open");
    const reached = closed.filter((target) => outcome[target] === "open");
    expect(reached).toEqual([]);
  });

  it("is refused by the rules, not by chance: without them the host answers", async () => {
    const table = `redfleet-${lab.stack}`;
    const [gateway = ""] = await hostAddresses("tenant-acme");
    const targets = [`${gateway}:${hostPort}`];
    await lab.run("agent", ["nft", "delete", "table", "inet", table]);
    expect(Object.values(await probe("tenant-acme", targets))).toEqual(["open"]);
    // Somebody flushed it: the next round brings it back.
    await lab.makeNetwork(lab.name("tenant-hooli"), "tenant", "hooli");
    await until("the table", () => lab.run("agent", ["nft", "list", "table", "inet", table]));
    expect(Object.values(await probe("tenant-acme", targets))).toEqual(["silent"]);
    expect(await dropped("host")).toBeGreaterThan(0);
  });

  it("is dropped on the way to the metadata address, and not on the way to the Internet", async () => {
    const before = await dropped("tenant");
    await probe("tenant-acme", ["198.51.100.7:80"]);
    expect(await dropped("tenant")).toBe(before);
    await probe("tenant-acme", ["169.254.169.254:80"]);
    expect(await dropped("tenant")).toBeGreaterThan(before);
  });

  it("is let out to a store that the stack names, at its port and nowhere else", async () => {
    const before = await dropped("tenant");
    await probe("tenant-acme", [STORE]);
    expect(await dropped("tenant")).toBe(before);
    await probe("tenant-acme", [STORE.replace("27017", "27018")]);
    expect(await dropped("tenant")).toBeGreaterThan(before);
    const resolved = await lab.run("agent", [
      ...["nft", "list", "set", "inet", `redfleet-${lab.stack}`, "stores4"],
    ]);
    expect(resolved).toContain("127.0.0.1 . 27017");
  });

  it("keeps the way to a store that an agent before this one found, while its name does not resolve", async () => {
    const table = ["inet", `redfleet-${lab.stack}`];
    const found = "{ 10.255.254.11 . 27017 }";
    await lab.run("agent", ["nft", "add", "element", ...table, "stores4", found]);
    const cannot = async () =>
      (await lab.logged("cannot find a store that the stack names")).length;
    await lab.container("agent").restart({ t: 10 });
    const before = await cannot();
    await lab.makeNetwork(lab.name("tenant-umbrella"), "tenant", "umbrella");
    const { Id } = await engine.getNetwork(lab.name("tenant-umbrella")).inspect();
    await until("a new table", async () => {
      const tenants = await lab.run("agent", ["nft", "list", "set", ...table, "tenants"]);
      return tenants.includes(`br-${Id.slice(0, 12)}`);
    });
    await until("the name to be looked for", async () => (await cannot()) > before);
    const stores = await lab.run("agent", ["nft", "list", "set", ...table, "stores4"]);
    for (const address of [STORE.split(":")[0], "127.0.0.1", "10.255.254.11"]) {
      expect(stores).toContain(`${address} . 27017`);
    }
  });

  it("holds a share of the store's connections, and leaves the others theirs", async () => {
    const hold = async (part: string, most: number) => {
      const store = await lab.address("mongodb-0", part);
      return Number(await lab.run(part, ["node", "-e", holder, store, "27017", String(most)]));
    };
    const greedy = hold("tenant-acme", 120);
    const modest = hold("tenant-globex", 20);
    expect([await greedy, await modest]).toEqual([96, 20]);
    await until("room again", async () => (await hold("tenant-acme", 10)) === 10);
  });

  it("does not lend its way out to the store that joined it", async () => {
    const before = await dropped("tenant");
    await probe("mongodb-0", ["198.51.100.7:80"]);
    expect(await dropped("tenant")).toBeGreaterThan(before);
    const members = await lab.run("agent", [
      ...["nft", "list", "set", "inet", `redfleet-${lab.stack}`, "members4"],
    ]);
    expect(members).toContain(await lab.address("mongodb-0", "tenant-acme"));
    expect(members).not.toContain(await lab.address("tenant-acme", "tenant-acme"));
  });
});

describe("the platform's own networks", () => {
  it("reach neither the host nor the metadata address, but the network around", async () => {
    const edge = lab.name("edge");
    await lab.startUpstream({ name: "inside", component: "editor", key: "probe", network: edge });
    const targets = (await hostAddresses("edge")).map((address) => `${address}:${hostPort}`);
    const outcome = await probe("inside", [...targets, "169.254.169.254:80"]);
    expect(new Set(Object.values(outcome))).toEqual(new Set(["silent"]));
    const before = await dropped("shared");
    await probe("inside", ["10.255.254.9:80"]);
    expect(await dropped("shared")).toBe(before);
  });
});

describe("two stacks on one engine", () => {
  const tables = () => lab.run("agent", ["nft", "list", "tables"]);

  it("have a table each, and the last network takes it along", async () => {
    expect(await tables()).toContain(`redfleet-${lab.stack}\n`);
    expect(await tables()).toContain(`redfleet-${other.stack}\n`);
    await other.removeContainer("tenant-initech");
    await other.removeContainer("edge");
    const filters = { label: [`redfleet.stack=${other.stack}`] };
    for (const { Id } of await engine.listNetworks({ filters }))
      await engine.getNetwork(Id).remove();
    await until("its table to be gone", async () => !(await tables()).includes(other.stack));
    expect(await tables()).toContain(`redfleet-${lab.stack}\n`);
  });

  it("keep their table over the agent's end, unless nobody is left to guard", async () => {
    const third = new EdgeLab();
    try {
      await third.open();
      await third.container("agent").stop({ t: 10 });
      expect(await tables()).toContain(`redfleet-${third.stack}\n`);
      await third.container("agent").start();
      await until("it to run", async () => (await third.logged("started")).length === 2);
      await third.removeContainer("edge");
      await third.container("agent").stop({ t: 10 });
      expect(await tables()).not.toContain(third.stack);
    } finally {
      await third.close();
    }
  });
});
