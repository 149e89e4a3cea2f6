import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { readLogs } from "../../cli/engine/logs.ts";
import { apart, clusterKeys, startKeyStore } from "../runtime/support/old-systems.ts";
import { containersOf, identities, runningOf } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { credentialProbe, endpoint, tab } from "../support/flows.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { report } from "../support/report.ts";
import {
  E2E,
  editStack,
  type PlatformConfig,
  pulumi,
  redfleet,
  succeeded,
  up,
} from "../support/stack.ts";
import { pause, until } from "../support/wait.ts";

const OTHERS = ["mongodb", "valkey", "sentinel", "edge", "agent", "editor", "replica"];
const TENANT = "initech";
const CLUSTER = "spare";
/** With its flows in Valkey, it leaves data in every store but MongoDB; the tenant has that there. */
const SPARE = { apiReplicas: 1, flowStore: "valkey" };
const CREDENTIAL = { user: "robot", password: "kept beside the flows" };
const ORIGIN = "http://127.0.0.1:1880/red-nodes";
/** Volumes that outlive what wrote to them. */
const KEPT = [`tenant-${TENANT}-data`, `editor-${CLUSTER}-data`, `credentials-${CLUSTER}`].map(
  (name) => `${E2E.name}-${name}`,
);

let platform: Platform;

/** A step of `pulumi preview --json`. */
interface Step {
  readonly op: string;
  readonly urn: string;
}

async function previewSteps(): Promise<Step[]> {
  const preview = succeeded(await pulumi(E2E, ["preview", "--json"]));
  const { steps } = JSON.parse(preview.stdout) as { steps: Step[] };
  return steps.filter((step) => step.op !== "same" && !step.op.startsWith("read"));
}

/** Everything that runs but the third tenant. */
async function others(): Promise<Record<string, string>> {
  const all = await identities(E2E.name, [...OTHERS, "tenant"]);
  delete all[`${E2E.name}-tenant-${TENANT}`];
  return all;
}

const volumes = async () =>
  ((await engine.listVolumes()).Volumes ?? []).map((volume) => volume.Name);

/** What is in a volume; a volume that is gone holds nothing. */
async function filesOf(volume: string): Promise<string[]> {
  if (!(await volumes()).includes(volume)) return [];
  return readdirSync((await engine.getVolume(volume).inspect()).Mountpoint);
}

describe("tenants", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
    editStack(E2E, (config) => {
      delete config.confirmDestroy;
      delete config.tenants[TENANT];
      delete config.clusters[CLUSTER];
    });
  });

  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    for (const part of ["edge", `editor-${CLUSTER}`]) {
      const said = await readLogs(engine, `${E2E.name}-${part}`, 30).catch(() => []);
      console.log([`${part} said last:`, ...said.map(({ text }) => text)].join("\n"));
    }
  });
  // After a failure as well: the next files count the replicas of one cluster.
  afterAll(async () => {
    const left = await runningOf(E2E.name);
    if (!left.some(({ Name: name }) => name.includes(CLUSTER) || name.includes(TENANT))) return;
    editStack(E2E, erase);
    await up(E2E);
  });

  it("adds one from a line in the stack file and touches nothing else", async () => {
    const before = await others();
    const acme = await platform.login("acme");
    const sockets = await Promise.all([acme.comms(), (await platform.login("main")).comms()]);
    editStack(E2E, (config) => {
      config.tenants[TENANT] = { template: "nodered-5" };
    });
    const steps = await previewSteps();
    expect(steps.length).toBeGreaterThan(0);
    for (const { op, urn } of steps.filter((step) => !isStack(step))) {
      expect(op, urn).toBe("create");
      expect(urn).toContain(TENANT);
    }
    const { seconds } = await up(E2E);
    report("third tenant, up", seconds, "s");
    await until("the tenant answers", async () => (await answers("/")).status === 200);
    expect(await others()).toEqual(before);
    // The very same connections, and what runs behind them still talks through them.
    const [toTenant, toEditor] = sockets;
    const deployed = toTenant.next("notification/runtime-deploy");
    await acme.deployTabs([tab("news"), ...endpoint("news", "news", "/news", `${seconds}`)]);
    await Promise.all([deployed, toTenant.exchange(), toEditor.exchange()]);
    expect(sockets.map(({ isClosed }) => isClosed)).toEqual([false, false]);
    for (const socket of sockets) socket.close();
  });

  it("serves its own flows under its own host only", async () => {
    const admin = await platform.login(TENANT);
    await admin.deployTabs([tab("own"), ...endpoint("own", "own", "/own", "initech")]);
    await until("its flow", async () => (await answers("/own")).body.includes('"mark":"initech"'));
    expect((await platform.client.ask("acme", "/own")).status).toBe(404);
  });

  it("stops with its data kept, behind a clear page", async () => {
    const before = await others();
    editStack(E2E, (config) => {
      config.tenants[TENANT].state = "stopped";
    });
    await up(E2E);
    const page = await until("the page", async () => {
      const answer = await answers("/own");
      return answer.status === 503 ? answer : undefined;
    });
    expect(page.body.toLowerCase()).toContain("stopped");
    const flows = mkdtempSync(join(tmpdir(), "redfleet-import-"));
    writeFileSync(join(flows, "flows.json"), JSON.stringify([tab("mine")]));
    const importing = ["import", "--from", flows];
    for (const command of [["user", "list"], ["revisions"], ["restart"], ["logs"], importing]) {
      const { code, output } = await redfleet(E2E, [...command, TENANT]);
      expect(code, output).toBe(1);
      expect(output).toContain(`error: the tenant "${TENANT}" is stopped`);
      expect(output).toContain(`way out: npx redfleet tenant start ${TENANT} --up`);
    }
    rmSync(flows, { recursive: true });
    succeeded(await redfleet(E2E, ["status", "--check"]));
    expect(await others()).toEqual(before);
    // A cluster comes with it: what follows is true of both.
    editStack(E2E, (config) => {
      config.tenants[TENANT].state = "running";
      config.clusters[CLUSTER] = SPARE;
    });
    await up(E2E);
    await until("its flow again", async () => (await answers("/own")).body.includes("initech"));
    await importKeys();
    await until("the cluster's flow", decrypts);
  });

  it("keeps the data of what is removed and gives it back, credentials too", async () => {
    editStack(E2E, (config) => {
      delete config.tenants[TENANT];
      delete config.clusters[CLUSTER];
    });
    const { output } = await up(E2E);
    expect(output).toContain(`kept volume ${E2E.name}-tenant-${TENANT}.data`);
    expect(output).not.toContain(`removed volume ${E2E.name}-tenant-${TENANT}.data`);
    const left = (await containersOf(E2E.name)).map((entry) => entry.Name).join();
    expect(left).not.toContain(TENANT);
    expect(left).not.toContain(CLUSTER);
    await until("the host is unknown", async () => (await answers("/")).status === 421);
    for (const volume of KEPT) expect(await filesOf(volume), volume).not.toEqual([]);
    const asked = await redfleet(E2E, ["password", TENANT]);
    expect(asked.code, asked.output).toBe(1);
    expect(asked.output).toContain(
      `the data of a removed tenant "${TENANT}" is still here (${KEPT[0]})`,
    );
    editStack(E2E, (config) => {
      config.tenants[TENANT] = { template: "nodered-5" };
      config.clusters[CLUSTER] = SPARE;
    });
    await up(E2E);
    await until("its flow is back", async () => (await answers("/own")).body.includes("initech"));
    await until("the cluster's flow is back", decrypts);
  });

  it("erases the data only with the confirmation", async () => {
    editStack(E2E, erase);
    await up(E2E);
    for (const volume of KEPT) expect(await filesOf(volume), volume).toEqual([]);
    editStack(E2E, (config) => {
      delete config.confirmDestroy;
      config.tenants[TENANT] = { template: "nodered-5" };
      config.clusters[CLUSTER] = SPARE;
    });
    await up(E2E);
    await until("an empty tenant", async () => (await answers("/")).status === 200);
    await pause(1000);
    expect((await answers("/own")).status).toBe(404);
    expect((await (await platform.login(CLUSTER)).flows()).flows).toEqual([]);
    editStack(E2E, erase);
    await up(E2E);
  });
});

/** Fills the cluster, whose flows are in Valkey, from another system that had them there. */
async function importKeys(): Promise<void> {
  const probe = credentialProbe("kept", "secret", "/secret", ORIGIN, CREDENTIAL);
  const { flows, credentials } = apart([tab("kept"), ...probe]);
  const folder = mkdtempSync(join(tmpdir(), "redfleet-keys-"));
  const secret = join(folder, "secret");
  writeFileSync(secret, "of the cluster\n");
  const keys = await startKeyStore();
  try {
    await keys.holds(clusterKeys(flows, credentials));
    const from = ["--from", keys.url, "--credential-secret-file", secret];
    const { stdout } = succeeded(await redfleet(E2E, ["import", CLUSTER, ...from, "--json"]));
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ tabs: 1, nodes: 6, credentials: 1, context: 1, applied: true });
    expect(report.notes.join()).toContain(`clusters.${CLUSTER}.context: { default: shared`);
  } finally {
    await keys.close();
    rmSync(folder, { recursive: true });
  }
}

/** Takes tenant and cluster out of the stack file, their data with them. */
function erase(config: PlatformConfig): void {
  delete config.tenants[TENANT];
  delete config.clusters[CLUSTER];
  config.confirmDestroy = [TENANT, `clusters.${CLUSTER}`];
}

/** True when a node of the cluster's flow has its credential in clear. */
async function decrypts(): Promise<boolean> {
  const { status, body } = await platform.client.ask(CLUSTER, "/red-nodes/secret");
  const expected = `Basic ${btoa(`${CREDENTIAL.user}:${CREDENTIAL.password}`)}`;
  return status === 200 && JSON.parse(body).authorization === expected;
}

const answers = (path: string) => platform.client.ask(TENANT, path);

const isStack = (step: Step) => step.urn.includes("::pulumi:pulumi:Stack::");
