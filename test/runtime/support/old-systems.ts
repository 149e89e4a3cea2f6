import { execFileSync } from "node:child_process";
import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Redis } from "ioredis";
import { MongoClient } from "mongodb";
import { readBases } from "../../../components/images/bases.ts";
import { engine } from "../../support/engine.ts";
import type { FlowNode } from "../../support/flows.ts";
import { WORKER } from "../../support/names.ts";
import { freePorts } from "../../support/ports.ts";
import { ROOT } from "../../support/process.ts";
import { until } from "../../support/wait.ts";
import { nodeRedImage } from "./runtime.ts";

const labels = { "redfleet.stack": WORKER, "redfleet.component": "source" };

/** Encrypts as Node-RED does: IV in hex, then AES-256-CTR under the hash of the secret. */
export function encrypted(credentials: object, secret: string): { $: string } {
  const iv = randomBytes(16);
  const key = createHash("sha256").update(secret).digest();
  const cipher = createCipheriv("aes-256-ctr", key, iv);
  const text =
    cipher.update(JSON.stringify(credentials), "utf8", "base64") + cipher.final("base64");
  return { $: iv.toString("hex") + text };
}

/** Flows as systems store them: credentials apart. */
export function apart(nodes: readonly FlowNode[]): {
  flows: FlowNode[];
  credentials: Record<string, object>;
} {
  const credentials: Record<string, object> = {};
  const flows = nodes.map(({ credentials: own, ...node }) => {
    if (own !== undefined) credentials[node.id] = own as object;
    return node as FlowNode;
  });
  return { flows, credentials };
}

/** A plain Node-RED's own user directory, made by a real one that somebody deploys to and stops. */
export async function plainUserDir(
  flows: readonly FlowNode[],
  fn: { name: string; text: string },
): Promise<{ folder: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), "redfleet-plain-"));
  chmodSync(folder, 0o777);
  const [port] = await freePorts(1);
  const container = await engine.createContainer({
    Image: await nodeRedImage(5),
    Labels: labels,
    Cmd: ["node", "/app/node_modules/node-red/red.js", "--userDir", "/data", "--port", `${port}`],
    User: "1000:1000",
    Healthcheck: { Test: ["NONE"] },
    HostConfig: { NetworkMode: "host", Init: true, Binds: [`${folder}:/data`] },
  });
  try {
    await container.start();
    const post = (path: string, body: unknown) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    await until("a plain Node-RED to take a deploy", async () => (await post("/flows", flows)).ok, {
      seconds: 60,
    });
    const saved = await post(`/library/local/functions/${fn.name}`, {
      outputs: "1",
      text: fn.text,
    });
    if (!saved.ok) throw new Error(`library: ${await saved.text()}`);
    const chosen = await post("/settings/user", { editor: { view: { "view-show-grid": false } } });
    if (!chosen.ok) throw new Error(`settings: ${await chosen.text()}`);
    await container.stop({ t: 10 });
  } finally {
    await container.remove({ force: true, v: true });
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Lets the plugin of the HTTP scaling article itself save flows and a library entry.
 * @param collection where it keeps flows; default its own name for it
 */
export function savedByScalingPlugin(
  mongoUrl: string,
  database: string,
  flows: readonly FlowNode[],
  fn: { name: string; text: string },
  collection?: string,
): void {
  const collectionNames = collection === undefined ? {} : { flows: collection };
  const INPUT = JSON.stringify({ mongoUrl, database, collectionNames, flows, fn });
  execFileSync(process.execPath, [join(import.meta.dirname, "scaling-plugin.ts")], {
    env: { ...process.env, INPUT },
    stdio: "pipe",
    timeout: 30_000,
  });
}

/** Starts a store of a base image on the loopback. */
async function serve(
  image: "mongodb" | "valkey",
  command: string[],
): Promise<{ port: number; close(): Promise<void> }> {
  const [port = 0] = await freePorts(1);
  const container = await engine.createContainer({
    Image: readBases(ROOT)[image],
    Labels: labels,
    Entrypoint: command,
    Cmd: ["--port", `${port}`],
    HostConfig: { NetworkMode: "host", Memory: 256 * 1024 * 1024 },
  });
  await container.start();
  return { port, close: () => container.remove({ force: true, v: true }) };
}

/** A real MongoDB on the loopback with one instance as hardillb's storage keeps it. */
export async function startHardillb(
  appname: string,
  nodes: readonly FlowNode[],
): Promise<{ url: string; close(): Promise<void> }> {
  const { port, close } = await serve("mongodb", ["mongod", "--bind_ip", "127.0.0.1"]);
  const url = `mongodb://127.0.0.1:${port}/hosted`;
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 30_000 });
  try {
    const { flows, credentials } = apart(nodes);
    await saveAsHardillb(client, "hosted", appname, flows, credentials);
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    await client.close();
  }
}

/** Writes an instance as hardillb's storage keeps it: a document per collection and instance. */
export async function saveAsHardillb(
  client: MongoClient,
  database: string,
  appname: string,
  flows: readonly FlowNode[],
  credentials: object,
): Promise<void> {
  const db = client.db(database);
  await db.collection("flows").insertOne({ appname, flow: flows, __v: 0 });
  await db.collection("credentials").insertOne({
    appname,
    credentials: JSON.stringify(encrypted(credentials, `secret of ${appname}`)),
  });
  const settings = { _credentialSecret: `secret of ${appname}` };
  await db.collection("settings").insertOne({ appname, settings });
  await db.collection("sessions").insertOne({ appname, sessions: {} });
  await db.collection("users").insertOne({ appname, username: "admin" });
  const entry = { type: "functions", name: "/tools/double", meta: { outputs: 1 } };
  await db.collection("libraries").insertOne({ appname, ...entry, body: "return msg;" });
}

/** A value as node-red-cluster keeps it: JSON, compressed when it is longer than 1 KB. */
export function asClusterValue(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 1024 ? `gzip:${gzipSync(text).toString("base64")}` : text;
}

/** The keys of a node-red-cluster that somebody has deployed to, with their values as they are stored. */
export function clusterKeys(
  flows: readonly FlowNode[],
  credentials: object,
  prefix = "nodered:",
): Record<string, string> {
  const values = {
    [`${prefix}flows`]: { flows, rev: "0" },
    [`${prefix}credentials`]: encrypted(credentials, "of the cluster"),
    [`${prefix}settings`]: { nodes: {} },
    [`${prefix}sessions`]: {},
    [`${prefix}library:functions:tools/double`]: { outputs: 1, fn: "return msg;" },
    "nodered:packages": { "node-red-contrib-gone": "1.2.3" },
    [`${prefix}context:global:count`]: 5,
  };
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, asClusterValue(value)]),
  );
}

/** A Valkey of an old system. */
export interface KeyStore {
  readonly url: string;
  readonly client: Redis;
  /** Puts values in place of all that was there. */
  holds(values: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

/** A real, empty Valkey on the loopback. */
export async function startKeyStore(): Promise<KeyStore> {
  const command = ["valkey-server", "--bind", "127.0.0.1", "--save", ""];
  const { port, close } = await serve("valkey", command);
  const client = new Redis(port, "127.0.0.1", { maxRetriesPerRequest: null });
  client.on("error", () => {});
  return {
    url: `redis://127.0.0.1:${port}/0`,
    client,
    holds: async (values) => {
      await client.flushall();
      await client.mset(values);
    },
    close: async () => {
      client.disconnect();
      await close();
    },
  };
}
