import { X509Certificate } from "node:crypto";
import { type ConnectionOptions, connect } from "node:tls";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueAuthority } from "../../images/agent/certificates/issue.ts";
import { report } from "../support/report.ts";
import { renewAll } from "../support/store-agent.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { until } from "../support/wait.ts";
import { lost, Writers } from "../support/writers.ts";

const group = new ValkeyGroup({ tls: true });
const PORTS = { valkey: 6379, sentinel: 26379 } as const;
const KINDS = ["valkey", "sentinel"] as const;
const MEMBERS = KINDS.flatMap((kind) => [0, 1, 2].map((member) => ({ kind, member })));
type Kind = (typeof KINDS)[number];

beforeAll(() => group.open(), 180_000);
afterAll(() => group.close());

/** Serial number of the certificate that a member shows. @throws when this client does not trust it. */
function shown(kind: Kind, member: number, options: ConnectionOptions = {}): Promise<string> {
  const host = group.address(kind, member);
  return new Promise((resolve, reject) => {
    const all = { host, port: PORTS[kind], ca: group.authority, ...options };
    const socket = connect(all, () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw).serialNumber);
      socket.destroy();
    });
    socket.setTimeout(5000, () => socket.destroy(new Error("no answer")));
    socket.once("error", reject);
  });
}

async function underWrites(key: string, happens: () => Promise<unknown>) {
  const client = group.client();
  const write = async (id: number) => {
    await client.sadd(key, id);
    if ((await client.wait(1, 800)) < 1) throw new Error("no replica has it");
  };
  const writers = new Writers(write, { workers: 4, paceMs: 20 });
  await until("some writes", () => writers.count > 30);
  await happens();
  const count = writers.count;
  await until("more writes", () => writers.count > count + 30, { seconds: 60 });
  const result = await writers.stop();
  const present = await until("the members", () => group.client("admin").smembers(key));
  expect(lost(result, present.map(Number))).toEqual([]);
  return result;
}

describe("a Valkey group with TLS", () => {
  it.each(KINDS)("has no %s that answers in clear", async (kind) => {
    const plain = new Redis({
      ...{ host: group.address(kind, 0), port: PORTS[kind], lazyConnect: true },
      ...{ connectTimeout: 2000, commandTimeout: 2000, retryStrategy: () => null },
    });
    plain.on("error", () => {});
    await expect(plain.ping()).rejects.toThrow();
    plain.disconnect();
  });

  it.each(KINDS)("has no %s that another authority's client trusts", async (kind) => {
    const other = await issueAuthority("another", [], new Date());
    await expect(shown(kind, 0, { ca: other.certificate })).rejects.toThrow(/certificate/);
    await expect(shown(kind, 0, { servername: "elsewhere" })).rejects.toThrow(/altnames/);
    await expect(shown(kind, 0, { maxVersion: "TLSv1.1", minVersion: "TLSv1" })).rejects.toThrow();
    expect(await shown(kind, 0)).toMatch(/^[0-9A-F]+$/);
  });

  const ends = {
    killed: (member: number) => group.lab.container(`valkey-${member}`).kill({ signal: "KILL" }),
    stopped: (member: number) => group.stopPrimary(member),
  };

  it.each(Object.entries(ends))(
    "whose primary is %s has another one, and loses nothing acknowledged",
    async (how, end) => {
      const before = await group.settled();
      const result = await underWrites(`nr:${how}`, async () => {
        await end(before);
        const moved = async () => (await group.primary()) !== before;
        await until("another primary", moved, { seconds: 30, every: 100 });
        await group.lab.container(`valkey-${before}`).start();
      });
      report(`valkey.tls.${how}.gap`, result.gapMs, "ms");
      expect(await group.settled()).not.toBe(before);
    },
  );

  it("shows renewed certificates, data nodes without a restart, and no write fails", async () => {
    const primary = await group.settled();
    const serials = () => Promise.all(MEMBERS.map(({ kind, member }) => shown(kind, member)));
    const before = await serials();
    const started = await Promise.all([0, 1, 2].map(startOf));
    const result = await underWrites("nr:renewed", async () => {
      await renewAll(group.lab, "valkey");
      await until(
        "all members to show another certificate",
        async () => (await serials()).every((serial, index) => serial !== before[index]),
        { seconds: 120, every: 500 },
      );
    });
    expect(result.failed, result.errors.join("; ")).toBe(0);
    expect(await Promise.all([0, 1, 2].map(startOf))).toEqual(started);
    expect(await group.settled()).toBe(primary);
  });
});

async function startOf(member: number): Promise<string> {
  return (await group.lab.container(`valkey-${member}`).inspect()).State.StartedAt;
}
