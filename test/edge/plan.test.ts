import { createSocket } from "node:dgram";
import { getServers, setServers } from "node:dns/promises";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { EngineClient } from "../../images/agent/engine/client.ts";
import { concerns, followEvents } from "../../images/agent/engine/events.ts";
import { ExternalStores } from "../../images/agent/firewall/external.ts";
import { addressOf } from "../../images/agent/firewall/resolvers.ts";
import {
  firewallInput,
  guardsSomebody,
  isNeeded,
  renderFirewall,
} from "../../images/agent/firewall/rules.ts";
import { sealedContainers } from "../../images/agent/firewall/seal.ts";
import { Loop } from "../../images/agent/loop.ts";
import type { Container, Network } from "../../images/agent/model.ts";
import { planAttachments } from "../../images/agent/network/plan.ts";
import { wantedPids } from "../../images/agent/pids.ts";
import { engine } from "../support/engine.ts";
import { testName } from "../support/names.ts";
import { pause, until } from "../support/wait.ts";

const container = (
  component: string,
  key: string,
  networks: Record<string, string[]> = {},
): Container => ({
  id: `${component}-${key}`,
  name: `dev-${component}-${key}`,
  state: "running",
  component,
  key,
  labels: {},
  networks: new Map(Object.entries(networks)),
});
const network = (name: string, component: string): Network => ({
  id: name,
  name,
  component,
  bridge: `br-${name}`,
  subnets: ["10.99.0.0/24"],
});
const acme = network("acme", "tenant");

describe("the seal", () => {
  const sealed = (...networks: string[]) => {
    const joined = Object.fromEntries(networks.map((name) => [name, []]));
    const one = container("tenant", "acme", joined);
    const known = [network("dev-tenant-acme", "tenant"), network("dev-edge", "edge")];
    return (
      sealedContainers({ containers: [one], networks: known, records: [] }, "dev").length === 1
    );
  };

  it("is around a container whose networks are all known", () => {
    expect(sealed("dev-tenant-acme")).toBe(true);
    expect(sealed("dev-tenant-acme", "dev-edge", "somebody-elses")).toBe(true);
  });

  it("is not around one with a network that came later, or with none of the stack's", () => {
    expect(sealed("dev-tenant-acme", "dev-data")).toBe(false);
    expect(sealed("bridge")).toBe(false);
    expect(sealed()).toBe(false);
  });
});

describe("stores of somebody else", () => {
  it("are known at once, and followed without waiting for a resolver that is dead", async () => {
    const silent = createSocket("udp4").bind(0, "127.0.0.1");
    await once(silent, "listening");
    const before = getServers();
    setServers([`127.0.0.1:${silent.address().port}`]);
    const file = join(mkdtempSync(join(tmpdir(), "external-")), "stores");
    writeFileSync(file, "srv:dead.example.org\n127.0.0.1:27017\n[::1]:27018\n");
    const kept = { address: "10.1.2.3", port: 27017 };
    const inForce = async () => [kept];
    try {
      let changes = 0;
      const stores = new ExternalStores(file, () => {
        changes += 1;
      });
      stores.refresh();
      expect(await stores.endpoints(inForce)).toEqual([kept]);
      await until("those that resolve", () => changes === 2);
      const found = [
        { address: "127.0.0.1", port: 27017 },
        { address: "::1", port: 27018 },
      ];
      const known = await stores.endpoints(inForce);
      expect(known).toHaveLength(3);
      expect(known).toEqual(expect.arrayContaining([kept, ...found]));
    } finally {
      setServers(before);
      silent.close();
      rmSync(dirname(file), { recursive: true });
    }
  });
});

describe("networks", () => {
  const summary = (containers: Container[], networks = [acme]) =>
    planAttachments({ containers, networks, records: [] }).map(
      (one) => `${one.action} ${one.container.id} ${one.network.name}`,
    );

  it("are joined by the edge and the stores while a tenant is there", () => {
    const here = container("tenant", "acme", { acme: [] });
    const others = [container("edge", ""), container("mongodb", "0"), container("valkey", "0")];
    expect(summary([here, ...others])).toEqual(["connect edge- acme", "connect mongodb-0 acme"]);
    expect(summary([{ ...here, state: "exited" }, ...others])).toHaveLength(2);
    expect(summary([here, container("edge", "", { acme: ["10.0.0.2"] })])).toEqual([]);
  });

  it("are left when none is, and those of the platform stay as they are", () => {
    const edge = container("edge", "", { acme: ["10.0.0.2"], edge: ["10.0.1.2"] });
    expect(summary([edge], [acme, network("edge", "edge")])).toEqual(["disconnect edge- acme"]);
    expect(summary([{ ...edge, state: "removing" }])).toEqual([]);
  });
});

describe("process limits", () => {
  it.each([
    ["100", 100],
    ["0", undefined],
    ["-1", undefined],
    ["many", undefined],
    ["", undefined],
  ])("%s is %s", (label, limit) => {
    const labelled = { ...container("tenant", "acme"), labels: { "redfleet.pids": label } };
    expect(wantedPids(labelled)).toBe(limit);
  });
});

describe("the firewall", () => {
  const observed = {
    containers: [
      container("tenant", "acme", { acme: ["10.99.0.2"] }),
      container("mongodb", "0", { acme: ["10.99.0.3", "fd99::3"], data: ["10.98.0.3"] }),
    ],
    networks: [acme, network("data", "data")],
    records: [],
  };
  const host = { stack: "dev", subnet: "100.99.0.0/24", resolvers: ["9.9.9.9", "2620:fe::fe"] };

  it("knows who is a tenant, who a member, and what is one's own", () => {
    expect(firewallInput(observed, host)).toEqual({
      stack: "dev",
      tenantBridges: ["br-acme"],
      platformBridges: ["br-data"],
      memberAddresses: ["10.99.0.3", "fd99::3"],
      ownSubnets: ["10.99.0.0/24", "100.99.0.0/24"],
      resolvers: ["2620:fe::fe", "9.9.9.9"],
      stores: [],
    });
    expect(isNeeded(firewallInput({ ...observed, networks: [] }, host))).toBe(false);
    expect(guardsSomebody(observed)).toBe(true);
    expect(guardsSomebody({ ...observed, containers: observed.containers.slice(1) })).toBe(false);
  });

  it("counts what a tenant holds of the store before it lets the tenant's bridge pass", () => {
    const { text } = renderFirewall(firewallInput(observed, host));
    const rule =
      "iifname . oifname @within tcp dport 27017 add @held { iifname ct count over 96 } counter drop";
    expect(text).toContain("set held { type ifname; size 4096; flags dynamic; }");
    expect(text).toContain(`${rule}\n    iifname . oifname @within accept\n`);
  });

  it("replaces its own table, and no other, in one transaction that names what it is", () => {
    const { text, digest } = renderFirewall(firewallInput(observed, host));
    expect(text.split("\n").slice(0, 4)).toEqual([
      "table inet redfleet-dev",
      "delete table inet redfleet-dev",
      "table inet redfleet-dev {",
      `  comment "${digest}"`,
    ]);
    expect(text).toContain(
      'set within { type ifname . ifname; elements = { "br-acme" . "br-acme" } }',
    );
    expect(renderFirewall(firewallInput(observed, host)).digest).toBe(digest);
    const more = firewallInput({ ...observed, networks: [acme] }, host);
    expect(renderFirewall(more).digest).not.toBe(digest);
  });

  it("reads name servers in each of their spellings", () => {
    const spellings = ["1.2.3.4", "1.2.3.4:5353", "fd00::1", "[fd00::1]:53"];
    expect(spellings.map(addressOf)).toEqual(["1.2.3.4", "1.2.3.4", "fd00::1", "fd00::1"]);
  });
});

describe("the loop", () => {
  it("runs once for many asks, never twice at a time, and again for an ask in between", async () => {
    let runs = 0;
    let together = 0;
    let most = 0;
    const loop: Loop = new Loop(
      async () => {
        runs += 1;
        together += 1;
        most = Math.max(most, together);
        if (runs === 1) loop.ask(0);
        await pause(30);
        together -= 1;
      },
      { settle: 10, period: 60_000 },
    );
    for (let ask = 0; ask < 20; ask += 1) loop.ask();
    await pause(200);
    await loop.stop();
    expect([runs, most]).toEqual([2, 1]);
  });

  it("runs by itself after its period", async () => {
    let runs = 0;
    const task = async () => {
      runs += 1;
    };
    const loop = new Loop(task, { settle: 1, period: 20 });
    loop.ask();
    await until("three runs", () => runs >= 3, { every: 5 });
    await loop.stop();
    const last = runs;
    await pause(60);
    expect(runs).toBe(last);
  });
});

describe("events", () => {
  const folder = mkdtempSync(join(tmpdir(), "redfleet-test-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("concern a stack by their label, or by the name where they have none", () => {
    const of = (Type: string, ID: string, Attributes = {}) => ({
      Type,
      Action: "create",
      Actor: { ID, Attributes },
    });
    expect(concerns("dev", of("container", "x", { "redfleet.stack": "dev" }))).toBe(true);
    expect(concerns("dev", of("container", "x", { name: "dev-tenant-a" }))).toBe(false);
    expect(concerns("dev", of("volume", "dev-route-tenant-a"))).toBe(true);
    expect(concerns("dev", of("network", "id", { name: "prod-edge" }))).toBe(false);
  });

  it("are followed again after the engine went away", async () => {
    const stack = testName("edge-events");
    const path = join(folder, "engine.sock");
    const relays = new Set<Socket>();
    // The real engine behind a socket that can be cut, as its restart would cut it.
    const relay = createServer((near) => {
      const far = connect("/var/run/docker.sock");
      for (const socket of [near, far]) relays.add(socket.on("error", () => undefined));
      near.pipe(far).pipe(near);
    }).listen(path);
    const stop = new AbortController();
    let connects = 0;
    const seen: string[] = [];
    const on = {
      connect: () => {
        connects += 1;
      },
      event: (event: { Actor: { ID: string } }) => void seen.push(event.Actor.ID),
    };
    const following = followEvents(new EngineClient(path), stack, on, stop.signal);
    await until("the stream", () => connects === 1);
    for (const socket of relays) socket.destroy();
    await until("the stream again", () => connects === 2);
    const Name = `${stack}-a`;
    await engine.createVolume({ Name, Labels: { "redfleet.stack": stack } });
    await engine.getVolume(Name).remove();
    await until("the event", () => seen.includes(Name));
    stop.abort();
    await following;
    relay.close();
  });
});
