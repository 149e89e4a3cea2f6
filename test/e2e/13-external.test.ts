import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exec } from "../../cli/engine/exec.ts";
import { Admin } from "../support/admin.ts";
import { CertificateFolder } from "../support/certificates.ts";
import { clear } from "../support/clear.ts";
import { addressOf, containersOf, identities, runningOf } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { ALIAS, everyKey, PACKAGES, SECRETS } from "../support/every-key.ts";
import { answering, answersBy, type FlowNode, tab } from "../support/flows.ts";
import { EdgeClient } from "../support/http.ts";
import { Load } from "../support/load.ts";
import { testName } from "../support/names.ts";
import { OtherMachine, PASSWORD } from "../support/other-machine.ts";
import type { Finished } from "../support/process.ts";
import { report } from "../support/report.ts";
import {
  destroy,
  editStack,
  password,
  platformConfig,
  pulumi,
  redfleet,
  stackFile,
  status,
  succeeded,
  type TestStack,
  up,
  writeStack,
} from "../support/stack.ts";
import { until } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

const STACK: TestStack = {
  name: testName("external"),
  domain: "external.localhost",
  https: 9943,
  http: 9580,
};
const HOSTS = [STACK.domain, `*.${STACK.domain}`, ALIAS];
const ROOT_OF = { main: "/red-nodes", haus: "" } as const;
type Host = keyof typeof ROOT_OF;

const WRONG = "of-nobody-at-all";

const machine = new OtherMachine();
/** The first `up`, which had a wrong password for that MongoDB. */
let refused: Finished;
const folder = new CertificateFolder();
/** The files that take the place of the first ones. */
let next: Awaited<ReturnType<CertificateFolder["issue"]>>;
let client: EdgeClient;
let editor: Admin;
let tenant: Admin;

/** Puts a secret into the stack file, as a person does. */
const setSecret = async (name: string, value: string) =>
  succeeded(
    await pulumi(STACK, ["config", "set", "--secret", "--path", `redfleet:secrets.${name}`, value]),
  );

/** What an endpoint of the flows says. */
const ask = async (host: Host, path: string, headers: Record<string, string> = {}) =>
  (await client.ask(host, `${ROOT_OF[host]}${path}`, { headers })).body;

/** The flows that look at what the keys have given them. */
function lookAround(z: string): FlowNode[] {
  const names = ["PLACE", "FROM", "COUNT", "READY", "WORD"].map((name) => `env.get("${name}")`);
  const context = `if (msg.req.query.set) flow.set("seen", msg.req.query.set);
msg.payload = { worker: env.get("HOSTNAME"), seen: flow.get("seen") };`;
  return [
    tab(z),
    ...answering(z, `${z}-environment`, "/environment", `msg.payload = [${names.join(", ")}];`),
    ...answering(z, `${z}-context`, "/context", context),
    ...answering(z, `${z}-helped`, "/helped", "msg.payload = helper;", {
      helper: "function-helper",
    }),
    ...answersBy(z, "/stamp", "stamp"),
    ...answersBy(z, "/scripted", "scripted"),
  ];
}

const revisionIn = async (database: string) =>
  (await machine.mongodb.db(database).collection("flows").findOne({}))?.revision;

const login = async (host: Host, name: string) =>
  new Admin(client, host).login(await password(STACK, name));

beforeAll(async () => {
  await clear(STACK);
  await machine.start();
  for (const entry of PACKAGES) machine.registry.publish(entry);
  const tls = await folder.issue("first", HOSTS);
  next = await folder.issue("next", HOSTS);
  const ca = folder.write("npm.crt", machine.registry.ca);
  const { edge, ...keys } = everyKey({ registry: { url: machine.registry.url, ca }, tls });
  const base = platformConfig(STACK, {
    mongodb: { external: { uriSecret: "mongodb" } },
    valkey: { external: { urlSecret: "valkey" } },
    ...keys,
  });
  writeStack(STACK, { ...base, edge: { ...base.edge, ...edge } });
  const secrets = { ...machine.urls, ...SECRETS, npm: machine.registry.token };
  for (const [name, value] of Object.entries(secrets)) await setSecret(name, value);
  await setSecret("mongodb", machine.urls.mongodb.replace(PASSWORD, WRONG));
  refused = await redfleet(STACK, ["up"]);
  await setSecret("mongodb", machine.urls.mongodb);
  const { seconds } = await up(STACK);
  report("up of a stack on stores of somebody else, with every key", seconds, "s");
  const both = [tls, next].map(({ authority }) => readFileSync(authority, "utf8")).join("\n");
  client = new EdgeClient(STACK, folder.write("both.crt", both));
  [editor, tenant] = [await login("main", "main"), await login("haus", "solo")];
  await Promise.all([editor, tenant].map((admin) => admin.deployTabs(lookAround("look"))));
  for (const replica of await runningOf(STACK.name, "replica")) {
    const url = `http://${addressOf(replica, "-edge")}:1880${ROOT_OF.main}/helped`;
    const served = async () => (await (await fetch(url)).text()) === "helped";
    await until(`${replica.Name} serves them`, served, { seconds: 60 });
  }
  const served = async () => (await ask("haus", "/helped")) === "helped";
  await until("the tenant serves them", served, { seconds: 60 });
});

afterAll(async () => {
  await client?.close();
  await destroy(STACK);
  await machine.stop();
  folder.remove();
});

describe("a stack on stores of somebody else", () => {
  it("has no store of its own, and its stack file tells no password", async () => {
    const components = (await containersOf(STACK.name)).map(
      ({ Config }) => Config.Labels["redfleet.component"],
    );
    expect(components).toEqual(expect.arrayContaining(["editor", "replica", "tenant"]));
    for (const store of ["mongodb", "valkey", "sentinel"]) expect(components).not.toContain(store);
    expect(readFileSync(stackFile(STACK), "utf8")).not.toContain(PASSWORD);
  });

  it("told the last words of the job that could not log in, and no password", () => {
    const { code, output } = refused;
    expect(code, output).toBe(1);
    expect(output).toMatch(/error: the job \S+-job-tenant-solo failed \(exit code 1\)\n/);
    expect(output).toContain(
      'error failed error="the replica set refuses the login of the connection string: ',
    );
    expect(output).toContain(
      `way out: correct the cause, then npx redfleet up --stack ${STACK.name}: the job runs again`,
    );
    for (const text of [PASSWORD, WRONG]) expect(output).not.toContain(text);
  });

  it("keeps a tenant's flows in that MongoDB, and a cluster's in that Valkey", async () => {
    expect(await revisionIn("tenant-solo")).toBeGreaterThan(0);
    expect(await revisionIn("cluster-main")).toBeUndefined();
  });
});

describe("every key of a stack file", () => {
  it("env, secretEnv: flows read them, and no container tells the secrets", async () => {
    const [word, other] = [SECRETS["cluster-word"], SECRETS["tenant-word"]];
    const main = JSON.parse(await ask("main", "/environment"));
    expect(main).toEqual(["cluster", null, "3", "true", word]);
    const solo = JSON.parse(await ask("haus", "/environment"));
    expect(solo).toEqual(["tenant", "template", null, null, other]);
    const told = JSON.stringify(await containersOf(STACK.name));
    const secrets = [...Object.values(SECRETS), machine.registry.token, PASSWORD];
    for (const secret of secrets) expect(told).not.toContain(secret);
  });

  it("registry, modules, palette.scripts: they are there before flows start", async () => {
    const said = async (host: Host) => [await ask(host, "/stamp"), await ask(host, "/scripted")];
    expect(await said("main")).toEqual(["stamp 1.0", "its script ran"]);
    expect(await said("haus")).toEqual(["stamp 1.1", "no script ran"]);
    const files = ["stamp-1.0.0", "stamp-1.1.0", "scripted-1.0.0"];
    const fetched = files.map((name) => `node-red-contrib-${name}.tgz`);
    expect(machine.registry.fetched).toEqual(expect.arrayContaining(fetched));
  });

  it("functionModules: others are refused", async () => {
    for (const admin of [editor, tenant]) {
      const flows = [tab("os"), ...answering("os", "os", "/os", "", { os: "os" })];
      await expect(admin.deployTabs(flows)).rejects.toThrow("os (not allowed here)");
    }
  });

  it("palette.allow, palette.deny: people install what they may", async () => {
    const install = async (admin: Admin, module: string) => {
      const { status, body } = await admin.ask("/nodes", { method: "POST", body: { module } });
      return status === 200 ? "installed" : JSON.parse(body).code;
    };
    const modules = ["@acme/good", "@acme/evil", "other-good"];
    const tried = async (admin: Admin) => {
      const seen: string[] = [];
      for (const module of modules) seen.push(await install(admin, module));
      return seen;
    };
    const no = "install_not_allowed";
    expect(await tried(editor)).toEqual([no, no, "installed"]);
    expect(await tried(tenant)).toEqual(["installed", no, no]);
  });

  it("allowNodes: those are there, and no others of them", async () => {
    const types = async (admin: Admin) => {
      const answer = await admin.ask("/nodes", { headers: { accept: "application/json" } });
      const sets = JSON.parse(answer.body) as { types: string[] }[];
      const dangerous = ["exec", "file", "watch", "tcp in", "udp in"];
      const all = sets.flatMap((set) => set.types);
      return dangerous.filter((type) => all.includes(type));
    };
    expect(await types(editor)).toEqual(["exec", "file"]);
    expect(await types(tenant)).toEqual(["tcp in"]);
  });

  it("templates: containers have their limits, Node-RED and image", async () => {
    const found = Object.fromEntries(
      (await runningOf(STACK.name)).map(({ Name, HostConfig: host }) => [
        Name.slice(STACK.name.length + 2),
        [(host.Memory ?? 0) / 2 ** 20, (host.NanoCpus ?? 0) / 1e9, host.PidsLimit],
      ]),
    );
    expect(found["tenant-solo"]).toEqual([224, 0.6, 96]);
    expect(found["replica-main-1"]).toEqual([300, 0.9, 256]);
    expect(found["editor-main"]?.slice(0, 2)).toEqual([400, 0.8]);
    expect([found.edge?.[0], found.agent?.[0]]).toEqual([144, 176]);
    expect(JSON.parse((await tenant.ask("/settings")).body).version).toMatch(/^4\./);
    const { stdout } = await exec(engine, `${STACK.name}-tenant-solo`, ["workshop"]);
    expect(stdout).toBe("a program of the workshop\n");
    const body = "x".repeat(1_100_000);
    expect((await client.ask("haus", "/stamp", { method: "POST", body })).status).toBe(413);
  });

  it("host, aliases, displayName: each name leads there, and no other", async () => {
    for (const host of ["haus", "second", ALIAS]) {
      const { status, body } = await client.ask(host, "/");
      expect({ host, status }).toEqual({ host, status: 200 });
      expect(body).toContain("<title>The tenant with every key");
    }
    expect((await client.ask("main", "/")).body).toContain("<title>The cluster with every key");
    expect((await client.ask("solo", "/")).status).toBe(421);
  });

  it("sticky, context: a client stays on one replica, and the other knows what it has set", async () => {
    const cookies = await cookiesOfReplicas();
    const [one, other] = [...cookies.values()] as [string, string];
    for (const cookie of [one, other]) {
      const asked = Array.from({ length: 8 }, () => ask("main", "/context", { cookie }));
      const workers = (await Promise.all(asked)).map((body) => JSON.parse(body).worker);
      expect([...new Set(workers)].map((worker) => cookies.get(worker))).toEqual([cookie]);
    }
    await ask("main", "/context?set=by-one", { cookie: one });
    const seen = async () => JSON.parse(await ask("main", "/context", { cookie: other })).seen;
    await until("the other knows it", async () => (await seen()) === "by-one");
  });

  it("edge.tls: other files are taken without cutting anybody off", async () => {
    const all = ["edge", "editor", "replica", "tenant"];
    const before = await identities(STACK.name, all);
    const comms = await editor.comms();
    const visitors = new Writers(() => client.certificate("main"), { workers: 1, paceMs: 50 });
    const load = new Load({ ask: () => client.ask("main", "/red-nodes/stamp") });
    editStack(STACK, ({ edge }) => {
      edge.tls = { mode: "files", certificate: next.certificate, key: next.key };
    });
    const { seconds } = await up(STACK);
    report("up with another certificate", seconds, "s");
    const shown = new X509Certificate(readFileSync(next.certificate)).fingerprint256;
    for (const host of ["main", "haus"]) expect(await client.certificate(host)).toBe(shown);
    const { failed, errors } = await visitors.stop();
    expect({ failed, errors, lost: (await load.stop()).lost }).toEqual({
      ...{ failed: 0, errors: [], lost: [] },
    });
    await comms.exchange();
    expect(comms.isClosed).toBe(false);
    comms.close();
    expect(await identities(STACK.name, all)).toEqual(before);
    expect((await status(STACK)).caFile).toBeNull();
  });
});

/** Each replica's cookie, by the replica's name. */
async function cookiesOfReplicas(): Promise<Map<string, string>> {
  const cookies = new Map<string, string>();
  await until("both replicas have answered", async () => {
    const { headers, body } = await client.ask("main", "/red-nodes/context");
    const [cookie = ""] = String(headers["set-cookie"]).split(";");
    cookies.set(JSON.parse(body).worker, cookie);
    return cookies.size === 2;
  });
  return cookies;
}
