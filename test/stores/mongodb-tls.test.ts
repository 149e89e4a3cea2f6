import { X509Certificate } from "node:crypto";
import { type ConnectionOptions, connect } from "node:tls";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueAuthority } from "../../images/agent/certificates/issue.ts";
import { primaryOf, ReplicaSet } from "../support/replica-set.ts";
import { report } from "../support/report.ts";
import { renewAll } from "../support/store-agent.ts";
import { until } from "../support/wait.ts";
import { lost, Writers } from "../support/writers.ts";

const set = new ReplicaSet({ tls: true });
let client: MongoClient;

beforeAll(async () => {
  await set.open(3);
  const { code, log } = await set.initiate(3);
  expect(code, log).toBe(0);
  client = set.client(3);
}, 180_000);

afterAll(async () => {
  await client?.close();
  await set.close();
});

/** Serial number of the certificate that a member shows, or why it shows none to this client. */
function shown(member: number, options: ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        ...{ host: set.lab.address(10 + member), port: 27017, servername: set.member(member) },
        ...{ ca: set.authority, ...options },
      },
      () => {
        resolve(new X509Certificate(socket.getPeerCertificate().raw).serialNumber);
        socket.destroy();
      },
    );
    socket.setTimeout(5000, () => socket.destroy(new Error("no answer")));
    socket.once("error", reject);
  });
}

/** A client that may not get in. */
async function refused(options: object): Promise<string> {
  const stranger = set.client(3, { serverSelectionTimeoutMS: 3000, ...options });
  try {
    await stranger.db("admin").command({ ping: 1 });
    return "let in";
  } catch (error) {
    return String(error);
  } finally {
    await stranger.close();
  }
}

/** Clients that write while something happens; nothing that was acknowledged may be gone. */
async function underWrites(name: string, happens: () => Promise<unknown>) {
  const documents = client.db("test").collection<{ _id: number }>(name);
  const writers = new Writers((_id) => documents.insertOne({ _id }), { workers: 4, paceMs: 20 });
  await until("some writes", () => writers.count > 30);
  await happens();
  const count = writers.count;
  await until("more writes", () => writers.count > count + 30, { seconds: 60 });
  const result = await writers.stop();
  const present = await documents.distinct("_id", {}, { readConcern: { level: "majority" } });
  expect(lost(result, present)).toEqual([]);
  return result;
}

describe("a replica set with TLS", () => {
  it("answers nobody in clear", async () => {
    expect(await refused({ tls: false })).toMatch(/closed|reset|timed out/);
  });

  it("is not trusted by who knows another authority, nor under a name it does not have", async () => {
    const other = await issueAuthority("another", [], new Date());
    expect(await refused({ ca: other.certificate })).toMatch(/certificate|signature/);
    await expect(shown(0, { servername: set.member(1) })).rejects.toThrow(/altnames/);
  });

  it("speaks nothing older than TLS 1.2", async () => {
    await expect(shown(0, { minVersion: "TLSv1", maxVersion: "TLSv1.1" })).rejects.toThrow();
    expect(await shown(0, { maxVersion: "TLSv1.2" })).toMatch(/^[0-9A-F]+$/);
  });

  it("keeps the key of its authority from everybody but the agent", async () => {
    for (const part of ["mongodb-0", "mongodb-2"]) {
      const seen = await set.lab.run(part, ["find", "/run/tls", "/run/stores", "-type", "f"]);
      const names = seen.trim().split("\n").sort();
      const own = [0, 1, 2].map((member) => `/run/tls/${set.member(member)}.pem`);
      expect(names).toEqual(["/run/stores/ca.crt", ...own]);
    }
  });

  it("loses nothing acknowledged when its primary is killed", async () => {
    const before = await primaryOf(client);
    const result = await underWrites("killed", async () => {
      await set.lab.container(`mongodb-${before}`).kill({ signal: "KILL" });
      const moved = async () => (await primaryOf(client)) !== before;
      await until("another primary", moved, { seconds: 60, every: 100 });
      await set.lab.container(`mongodb-${before}`).start();
    });
    report("mongodb.tls.kill.gap", result.gapMs, "ms");
    await set.lab.healthy(`mongodb-${before}`, 90);
  });

  it("shows renewed certificates without a restart, and no write fails", async () => {
    const members = [0, 1, 2];
    const before = await Promise.all(members.map((member) => shown(member)));
    const started = await Promise.all(members.map(startOf));
    const result = await underWrites("renewed", async () => {
      await renewAll(set.lab, "mongodb");
      await until(
        "all members to show another certificate",
        async () => {
          const now = await Promise.all(members.map((member) => shown(member)));
          return now.every((serial, member) => serial !== before[member]);
        },
        { seconds: 60 },
      );
    });
    expect(result.failed, result.errors.join("; ")).toBe(0);
    expect(await Promise.all(members.map(startOf))).toEqual(started);
    const fresh = set.client(3);
    expect((await fresh.db("admin").command({ ping: 1 })).ok).toBe(1);
    await fresh.close();
  });

  it("lets a member's certificate do nothing but that", async () => {
    const pem = await set.lab.run("mongodb-0", ["cat", `/run/tls/${set.member(0)}.pem`]);
    const member = new MongoClient(`mongodb://${set.lab.address(10)}:27017/`, {
      directConnection: true,
      tls: true,
      ...{ ca: set.authority, cert: pem, key: pem },
      authMechanism: "MONGODB-X509",
      authSource: "$external",
    });
    const admin = member.db("admin");
    expect((await admin.command({ rotateCertificates: 1 })).ok).toBe(1);
    await expect(admin.command({ replSetGetConfig: 1 })).rejects.toThrow(/not authorized/);
    await expect(member.db("test").collection("killed").findOne()).rejects.toThrow(
      /not authorized/,
    );
    await member.close();
  });
});

async function startOf(member: number): Promise<string> {
  return (await set.lab.container(`mongodb-${member}`).inspect()).State.StartedAt;
}
