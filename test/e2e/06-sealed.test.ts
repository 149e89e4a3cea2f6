import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Admin } from "../support/admin.ts";
import { evaluate, type Inspected, runningOf } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { mongoOf } from "../support/mongo.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { E2E, password } from "../support/stack.ts";
import { until } from "../support/wait.ts";

const TENANT = `${E2E.name}-tenant-acme`;

let platform: Platform;
/** A server on every address of the host, of both families: what a tenant must not reach. */
let hostServer: Server;
/** The same for datagrams. */
const hostEcho = createSocket({ type: "udp6", ipv6Only: false });

/** Tries TCP connections from inside the tenant; answers those that came about. */
const reachable = (targets: readonly string[]) =>
  evaluate<string[]>(
    TENANT,
    `import { connect } from "node:net";
    const attempt = (target) => new Promise((done) => {
      const at = target.lastIndexOf(":");
      const socket = connect({ host: target.slice(0, at), port: Number(target.slice(at + 1)) });
      const end = (ok) => { socket.destroy(); done(ok ? target : null); };
      socket.setTimeout(2000, () => end(false));
      socket.once("connect", () => end(true)).once("error", () => end(false));
    });
    const all = await Promise.all(${JSON.stringify(targets)}.map(attempt));
    process.stdout.write(JSON.stringify(all.filter(Boolean)));
    process.exit(0);`,
  );

const ECHO_PORT = 5300;

/** Answers every datagram on a port of a container for half a minute. */
async function echoIn(container: string): Promise<void> {
  const script =
    "const s = require('node:dgram').createSocket('udp4');" +
    `s.on('message', (text, { port, address }) => s.send(text, port, address)).bind(${ECHO_PORT});` +
    "setTimeout(() => process.exit(), 30000);";
  const run = await engine.getContainer(container).exec({ Cmd: ["node", "-e", script] });
  await run.start({ Detach: true });
  const own = `127.0.0.1:${ECHO_PORT}`;
  await until(`${container} echoes`, async () => (await echoed([own], container)).length > 0);
}

/** Sends datagrams from inside a container; the targets that answered. */
const echoed = (targets: readonly string[], container = TENANT) =>
  evaluate<string[]>(
    container,
    `import { createSocket } from "node:dgram";
    const attempt = (target) => new Promise((done) => {
      const at = target.lastIndexOf(":");
      const socket = createSocket(target.indexOf(":") < at ? "udp6" : "udp4");
      const end = (ok) => { clearTimeout(timer); socket.close(); done(ok ? target : null); };
      const timer = setTimeout(() => end(false), 1500);
      socket.once("message", () => end(true)).once("error", () => end(false));
      socket.send("hello", Number(target.slice(at + 1)), target.slice(0, at), (error) => error && end(false));
    });
    const all = await Promise.all(${JSON.stringify(targets)}.map(attempt));
    process.stdout.write(JSON.stringify(all.filter(Boolean)));
    process.exit(0);`,
  );

/** `address:port` for every address of every container of some components. */
async function endpoints(components: readonly string[], ports: readonly number[]) {
  const containers = (await runningOf(E2E.name)).filter((entry) =>
    components.includes(entry.Config.Labels["redfleet.component"] ?? ""),
  );
  return containers.flatMap((entry) =>
    addresses(entry).flatMap((address) => ports.map((port) => `${address}:${port}`)),
  );
}

const addresses = (container: Inspected) =>
  Object.values(container.NetworkSettings.Networks)
    .map((network) => network.IPAddress)
    .filter(Boolean);

async function gateways(): Promise<string[]> {
  const networks = await engine.listNetworks();
  const configs = networks.flatMap((network) => network.IPAM?.Config ?? []);
  return configs.map((config) => config.Gateway).filter((gateway) => gateway !== undefined);
}

const hostAddresses = (family: "IPv4" | "IPv6") =>
  Object.values(networkInterfaces())
    .flat()
    .filter((address) => address?.family === family && !address.internal)
    .map((address) => address?.address ?? "");

describe("a tenant is sealed", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
    hostServer = createServer((socket) => socket.end());
    hostServer.listen(0, "::");
    hostEcho.on("message", (text, { port, address }) => hostEcho.send(text, port, address));
    hostEcho.bind(0);
    await Promise.all([once(hostServer, "listening"), once(hostEcho, "listening")]);
  });

  afterAll(() => {
    hostServer?.close();
    hostEcho.close();
  });

  it("reaches itself and its own database, so that the probe is worth something", async () => {
    const own = await reachable(["127.0.0.1:1880"]);
    expect(own).toEqual(["127.0.0.1:1880"]);
    const members = await endpoints(["mongodb"], [27017]);
    expect((await reachable(members)).length).toBeGreaterThan(0);
  });

  it("reaches no other tenant, editor or replica", async () => {
    const targets = await endpoints(["tenant", "editor", "replica"], [1880, 1881]);
    const mine = (await runningOf(E2E.name, "tenant")).filter((it) => it.Name === `/${TENANT}`);
    const own = new Set(mine.flatMap(addresses));
    const others = targets.filter((target) => !own.has(target.slice(0, target.lastIndexOf(":"))));
    expect(others.length).toBeGreaterThanOrEqual(8);
    expect(await reachable(others)).toEqual([]);
  });

  it("reaches no Valkey and no Sentinel", async () => {
    const targets = [
      ...(await endpoints(["valkey"], [6379])),
      ...(await endpoints(["sentinel"], [26379])),
    ];
    expect(targets.length).toBe(6);
    expect(await reachable(targets)).toEqual([]);
  });

  it("reaches neither the gateways, nor a host port, nor the metadata address", async () => {
    const { port } = hostServer.address() as AddressInfo;
    const hosts = [...new Set([...(await gateways()), ...hostAddresses("IPv4")])];
    const targets = hosts.flatMap((host) => [`${host}:${port}`, `${host}:22`, `${host}:2375`]);
    expect(await reachable([...targets, "169.254.169.254:80"])).toEqual([]);
  });

  it("reaches nobody by UDP either", async () => {
    const { port } = hostEcho.address();
    const running = await runningOf(E2E.name);
    const component = (entry: Inspected) => entry.Config.Labels["redfleet.component"] ?? "";
    const others = running.filter(
      (entry) =>
        ["tenant", "editor", "replica"].includes(component(entry)) && entry.Name !== `/${TENANT}`,
    );
    await Promise.all([TENANT, ...others.map(({ Name: name }) => name.slice(1))].map(echoIn));
    const inContainers = others.flatMap(addresses).map((address) => `${address}:${ECHO_PORT}`);
    const onHost = [...new Set([...(await gateways()), ...hostAddresses("IPv4")])];
    const targets = [...inContainers, ...onHost.map((address) => `${address}:${port}`)];
    expect(targets.length).toBeGreaterThan(8);
    expect(await echoed([`127.0.0.1:${ECHO_PORT}`, ...targets])).toEqual([
      `127.0.0.1:${ECHO_PORT}`,
    ]);
  });

  it("has no IPv6 that the firewall would have to know of", async () => {
    const own = await evaluate<string[]>(
      TENANT,
      `import { networkInterfaces } from "node:os";
      const all = Object.values(networkInterfaces()).flat();
      const six = all.filter(({ family, internal }) => family === "IPv6" && !internal);
      process.stdout.write(JSON.stringify(six.map(({ address }) => address)));`,
    );
    expect(own).toEqual([]);
    const hosts = hostAddresses("IPv6");
    const named = hosts.map((host) => (host.startsWith("fe80") ? `${host}%eth0` : host));
    const { port } = hostServer.address() as AddressInfo;
    const { port: echoPort } = hostEcho.address();
    expect(await reachable(named.map((host) => `${host}:${port}`))).toEqual([]);
    expect(await echoed(named.map((host) => `${host}:${echoPort}`))).toEqual([]);
  });

  it("reaches nothing of the edge but its public listeners", async () => {
    const targets = await endpoints(["edge"], [8404, 9999, 1936]);
    expect(await reachable(targets)).toEqual([]);
  });

  it("sees no engine socket and no file of another part", async () => {
    const seen = await evaluate<Record<string, boolean>>(
      TENANT,
      `import { existsSync } from "node:fs";
      const paths = ["/var/run/docker.sock", "/run/docker.sock", "/edge", "/ca", "/run/edge"];
      const seen = Object.fromEntries(paths.map((path) => [path, existsSync(path)]));
      process.stdout.write(JSON.stringify(seen));`,
    );
    expect(Object.values(seen)).toEqual([false, false, false, false, false]);
  });

  it("has rights on its own database only", async () => {
    const own = await mongoOf(TENANT);
    try {
      const database = own.db("tenant-acme");
      await database.collection("proof").insertOne({ written: true });
      await database.collection("proof").drop();
      for (const name of ["cluster-main", "tenant-globex", "admin", "local"]) {
        await expect(own.db(name).collection("users").findOne(), name).rejects.toThrow(
          /not authorized/,
        );
        await expect(own.db(name).collection("x").insertOne({}), name).rejects.toThrow(
          /not authorized/,
        );
      }
      const visible = await own.db("admin").admin().listDatabases({ nameOnly: true });
      expect(visible.databases.map((entry) => entry.name)).toEqual(["tenant-acme"]);
    } finally {
      await own.close();
    }
  });

  it("knows only its own users", async () => {
    const foreign = await password(E2E, "globex");
    await expect(new Admin(platform.client, "acme").login(foreign)).rejects.toThrow(/login: 40/);
  });
});
