import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Boots } from "../../images/node-red/runtime/boots.ts";
import { Canary, Held } from "../../images/node-red/runtime/canary.ts";
import type { Role } from "../../images/node-red/runtime/environment.ts";
import { createLogger } from "../../images/node-red/runtime/log.ts";
import type { FlowStore } from "../../images/node-red/runtime/store/types.ts";
import { engine } from "../support/engine.ts";
import { answering, answersBy, type FlowNode, tab } from "../support/flows.ts";
import { breakable, nodeModule } from "../support/npm-packages.ts";
import { type NpmRegistry, startNpmRegistry } from "../support/npm-registry.ts";
import { report } from "../support/report.ts";
import { pause, until } from "../support/wait.ts";
import { Editor } from "./support/editor.ts";
import { openMongodb, openValkey, type StoreLab } from "./support/labs.ts";
import { startLoad } from "./support/load.ts";
import { using } from "./support/modules.ts";
import { type Runtime, start } from "./support/runtime.ts";
import { openStoreOf } from "./support/stores.ts";

const WORKERS = ["r-0", "r-1", "r-2"];
const PROCESS = 'Buffer.constructor("return process")()';
/** As a platform has it, but quicker to look again. */
const ENVIRONMENT = { REDFLEET_DRAIN_SECONDS: "5", REDFLEET_POLL_SECONDS: "2" };

/** What only replicas do. */
const inReplicas = (code: string) => `if (cluster.type === "worker") { ${code} }`;
const busy = (ms: number) => `for (const end = Date.now() + ${ms}; Date.now() < end; );`;

/** `GET /mark` answers `mark`; `setup` runs when the flows start. */
function flows(mark: string, setup = ""): FlowNode[] {
  const [input, fn, output] = answering("t", "mark", "/mark", `msg.payload = "${mark}";`) as [
    ...[FlowNode, FlowNode, FlowNode],
  ];
  return [tab("t"), input, { ...fn, initialize: setup }, output];
}

const mark = async ({ url }: Runtime) => (await fetch(`${url}/mark`)).text();

describe.each([
  ["MongoDB", openMongodb],
  ["Valkey", openValkey],
])("a revision that ends processes, with flows in %s", (name, open) => {
  let lab: StoreLab;
  let store: FlowStore;
  let editor: Runtime;
  let replicas: Runtime[];

  beforeAll(async () => {
    lab = await open();
    await lab.addUser("admin", "admin");
    const kept = { ...lab.access, keepsData: true, restarts: true, environment: ENVIRONMENT };
    const flags = ["--max-old-space-size=100"];
    [editor, ...replicas] = (await Promise.all([
      start({ ...kept, role: "editor" }),
      ...WORKERS.map((worker) => start({ ...kept, role: "replica", worker, flags })),
    ])) as [Runtime, ...Runtime[]];
    store = openStoreOf(lab.access);
    await store.connect(AbortSignal.timeout(20_000));
  });
  afterAll(async () => {
    await store?.close();
    await Promise.all([editor, ...(replicas ?? [])].map((runtime) => runtime?.remove()));
    await lab?.close();
  });

  const deploy = async (next: readonly FlowNode[]) => {
    const person = await Editor.login(editor);
    await person.load();
    return person.deploy(next);
  };
  /** The editor may end by it, too. */
  const deployBad = async (next: readonly FlowNode[]) => {
    const person = await Editor.login(editor);
    await person.load();
    await person.tryDeploy(next).catch(() => undefined);
  };
  const serveEverywhere = async (wanted: string) => {
    const serves = async (one: Runtime) => (await mark(one)) === wanted;
    for (const one of replicas) await until(`${one.worker} serves ${wanted}`, () => serves(one));
  };
  const deaths = async ({ id }: Runtime) =>
    (await engine.getContainer(id).inspect()).RestartCount as number;
  const allDeaths = () => Promise.all(replicas.map(deaths));
  const errorOf = async (one: Runtime) => (await one.status()).error;
  /** Waits until every replica is held, and says so. @returns who ended. */
  const held = async (revision: number) => {
    const text = new RegExp(`^held: revision ${revision} ended (\\S+) while it was applied$`);
    const all = async () => {
      const said = await Promise.all(replicas.map((one) => errorOf(one).catch(() => undefined)));
      const found = said.map((error) => text.exec(error ?? "")?.[1]);
      return found.every(Boolean) && found;
    };
    return until("all replicas are held", all, { seconds: 60 });
  };

  const inSafeMode = async () => {
    const safe =
      /^safe mode: flows do not run, with revision \d+ the process of \S+ ended; a deploy/;
    const answers = async () => safe.test((await errorOf(editor)) ?? "");
    await until("the editor is in safe mode", answers, { seconds: 60 });
  };

  it("ends one replica, twice; the others go on with the one before", async () => {
    const before = await deploy(flows("good"));
    await serveEverywhere("good");
    const deathsBefore = await allDeaths();
    const loads = replicas.map(({ url }) => startLoad(`${url}/mark`, 2));
    await deployBad(flows("bad", `${PROCESS}.exit(0);`));
    const [canary] = await held(before + 1);
    await pause(1000);
    const results = await Promise.all(loads.map((load) => load.stop()));
    const after = await allDeaths();
    for (const [index, { worker }] of replicas.entries()) {
      const died = worker === canary;
      expect(after[index], worker).toBe((deathsBefore[index] ?? 0) + (died ? 2 : 0));
      if (!died) expect(results[index]?.lost, worker).toEqual([]);
    }
    await serveEverywhere("good");
    for (const { health } of replicas) {
      expect((await fetch(`${health}/readyz`)).status).toBe(200);
      expect(await (await fetch(`${health}/metrics`)).text()).toMatch(/^redfleet_held\{.*\} 1$/m);
    }
  });

  it("leaves an editor that answers, shows why, and takes the next deploy", async () => {
    await inSafeMode();
    const shown = async () => (await editor.status()).replicas?.map(({ error }) => error);
    await until("it knows of its replicas", async () => (await shown())?.length === 3);
    for (const error of (await shown()) ?? []) expect(error).toMatch(/^held: revision/);
    const revision = await deploy(flows("better"));
    await Promise.all([editor, ...replicas].map((one) => one.reaches(revision)));
    await serveEverywhere("better");
    expect(await editor.status()).toMatchObject({ state: "running", revision });
  });

  it("is held, too, when it takes all of the heap", async () => {
    const exhaust = "const all = []; for (;;) all.push(new Array(1000).fill(all.length));";
    const deathsBefore = await allDeaths();
    await deployBad(flows("hungry", inReplicas(exhaust)));
    const { revision } = await editor.status();
    await held(revision ?? 0);
    const more = (await allDeaths()).map((count, index) => count - (deathsBefore[index] ?? 0));
    expect(more.toSorted()).toEqual([0, 0, 2]);
    await serveEverywhere("better");
    const next = await deploy(flows("modest"));
    await Promise.all(replicas.map((one) => one.reaches(next)));
    await serveEverywhere("modest");
  });

  it("is held when it ends them all a moment later, and all come back with the one before", async () => {
    const later = `setTimeout(() => ${PROCESS}.abort(), 300);`;
    const before = (await editor.status()).revision ?? 0;
    await deployBad(flows("late", later));
    await held(before + 1);
    await serveEverywhere("modest");
    await inSafeMode();
    const next = await deploy(flows("fixed"));
    await Promise.all(replicas.map((one) => one.reaches(next)));
  });

  const stopAll = () => Promise.all(replicas.map((one) => one.restart()));

  it("is not what a replica is that was told to stop in the middle of a good one", async () => {
    const revision = await deploy(flows("good", inReplicas(busy(1500))));
    await pause(500);
    await stopAll();
    await Promise.all(replicas.map((one) => one.reaches(revision)));
    await serveEverywhere("good");
  });

  // What workers do is the same on both, and what the record does is in the contract of flow stores.
  if (name !== "MongoDB") return;

  it("lets all go on to the newest revision before it, also those that had passed that one over", async () => {
    const slow = await deploy(flows("slow", inReplicas(busy(1500))));
    await pause(500);
    await deploy(flows("deadly", inReplicas(`${PROCESS}.exit(0);`)));
    await held(slow + 1);
    await serveEverywhere("slow");
  });

  it("lets all pass over one that cannot run here", async () => {
    const [tabNode, ...others] = flows("foreign") as [FlowNode, ...FlowNode[]];
    const foreign = { id: "x", type: "of-nowhere", z: "t", x: 1, y: 1, wires: [] };
    const revision = await deploy([tabNode, ...others, foreign]);
    const missing = `revision ${revision}: missing node types: of-nowhere`;
    const all = async () => (await Promise.all(replicas.map(errorOf))).every((e) => e === missing);
    await until("no replica can apply it", all);
    await deploy(flows("deadly", inReplicas(`${PROCESS}.exit(0);`)));
    await held(revision + 1);
    await serveEverywhere("slow");
  });

  it("is not one that comes while all replicas stop", async () => {
    const stopped = stopAll();
    await pause(500);
    const revision = await deploy(flows("last minute"));
    await stopped;
    await Promise.all(replicas.map((one) => one.reaches(revision)));
    await serveEverywhere("last minute");
  });

  it("is not one that runs when all processes are killed right after their start", async () => {
    const revision = await deploy(flows("killed"));
    await Promise.all(replicas.map((one) => one.reaches(revision)));
    for (const { id } of replicas) await engine.getContainer(id).kill();
    for (const { id } of replicas) await engine.getContainer(id).start();
    await Promise.all(replicas.map((one) => one.reaches(revision)));
    await serveEverywhere("killed");
    const logs = await Promise.all(replicas.map((one) => one.logs()));
    expect(logs.join()).toContain("the last run ended while it applied a revision");
  });

  it("is not one whose first replica is killed while it applies it: all go on to it", async () => {
    const loads = replicas.map(({ url }) => startLoad(`${url}/mark`, 2));
    const revision = await deploy(flows("interrupted", inReplicas(busy(1500))));
    const tries = async () => {
      const found = (await store.trials.list()).find((trial) => trial.revision === revision);
      return found?.state === "trying" && replicas.find(({ worker }) => worker === found.worker);
    };
    const killed = await until("a replica tries it", tries, { every: 20 });
    const begin = performance.now();
    await engine.getContainer(killed.id).kill();
    await engine.getContainer(killed.id).start();
    // Less than the pause after which a held one is tried again.
    await Promise.all(replicas.map((one) => one.reaches(revision, 40)));
    report("replica killed in a trial: newest revision on all", performance.now() - begin, "ms");
    await serveEverywhere("interrupted");
    const results = await Promise.all(loads.map((load) => load.stop()));
    for (const [index, one] of replicas.entries()) {
      if (one !== killed) expect(results[index]?.lost, one.worker).toEqual([]);
    }
  });

  it("is tried again, and ends the editor's safe mode when it does no harm", async () => {
    const { revision = 0, writeId = "" } = (await store.read()) ?? {};
    const version = { revision, writeId };
    await store.trials.fail(version, "x", [0]);
    await store.trials.take(version, "x", 60_000);
    expect(await store.trials.fail(version, "x", [0])).toMatchObject({ state: "held" });
    await engine.getContainer(editor.id).restart({ t: 10 });
    await inSafeMode();
    const [one] = replicas as [Runtime];
    await one.restart();
    await Promise.all([editor, one].map((runtime) => runtime.reaches(revision)));
    expect(await editor.status()).toMatchObject({ state: "running", revision });
    expect(await mark({ ...editor, url: `${editor.url}/red-nodes` })).toBe("interrupted");
  });
});

describe("one worker's part in a trial, with flows in MongoDB", () => {
  const LEASE_MS = 60_000;
  const log = createLogger("error", { component: "canary-test" });
  const ends: (() => unknown)[] = [];
  let lab: Awaited<ReturnType<typeof openMongodb>>;
  let revision = 0;

  beforeAll(async () => {
    lab = await openMongodb();
    await lab.addUser("admin", "admin");
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  afterAll(() => lab?.close());

  const nextSet = () => {
    revision += 1;
    const content = { flows: "[]", credentials: "{}", user: null, digest: "" };
    return { ...content, revision, writeId: `write-${revision}`, at: new Date() };
  };
  /** A worker, and the store as it sees it. Its last run may have ended by something. */
  const joins = async (worker: string, applying?: object, role: Role = "replica") => {
    const store = openStoreOf(lab.access, worker);
    await store.connect(AbortSignal.timeout(20_000));
    const folder = mkdtempSync(join(tmpdir(), "redfleet-canary-"));
    ends.push(() => rmSync(folder, { recursive: true }));
    const now = Date.now();
    const before = { mode: "normal", crashes: [], reason: "", revision: 1, applying };
    const run = { startedAt: now - 2000, aliveAt: now, clean: false };
    writeFileSync(join(folder, ".redfleet-boots.json"), JSON.stringify({ ...before, ...run }));
    const stopping = new AbortController();
    const boots = new Boots(folder);
    const canary = new Canary({
      ...{ store, boots, worker, log, role },
      signal: stopping.signal,
    });
    const stop = () => {
      stopping.abort();
      return canary.stop();
    };
    ends.push(stop, () => store.close());
    return { canary, store, stop };
  };
  /** What the next asking of a worker meets. */
  const fault = async (worker: string, data: object, mode: object | string) => {
    const point = (now: object | string) =>
      lab.set.client.db("admin").command({
        configureFailPoint: "failCommand",
        mode: now,
        data: { failCommands: ["findAndModify"], appName: worker, ...data },
      });
    await point(mode);
    ends.push(() => point("off"));
    return () => point("off");
  };
  const never = () => false;

  it("waits for as long as another one tries, also before it serves anything", async () => {
    const [a, b] = await Promise.all([joins("a"), joins("b")]);
    const set = nextSet();
    expect(await a.canary.enter(set, never)).toBe(true);
    let entered = false;
    const waiting = b.canary.enter(set, never).then((may) => {
      entered = may;
    });
    await pause(6000);
    expect(entered).toBe(false);
    a.canary.leave(true, 1);
    await waiting;
    expect(entered).toBe(true);
  });

  it("gives its word also on a trial of which it learns late", async () => {
    const a = await joins("late");
    const set = nextSet();
    await fault("late", { blockConnection: true, blockTimeMS: 4000 }, { times: 1 });
    expect(await a.canary.enter(set, never)).toBe(true);
    a.canary.leave(true, 1);
    const applied = async () =>
      (await a.store.trials.list()).find((t) => t.writeId === set.writeId);
    await until("it is told", async () => (await applied())?.state === "applied");
  });

  it("gives its word again when the store has lost it with its primary", async () => {
    const [a, b] = await Promise.all([joins("a"), joins("b")]);
    const set = nextSet();
    expect(await a.canary.enter(set, never)).toBe(true);
    const { set: mongodb } = lab;
    const everywhere = { writeConcern: { w: 3 } };
    await mongodb.client.db("canary").collection("marks").insertOne({}, everywhere);
    const primary = await mongodb.primary();
    const others = mongodb.members({ directConnection: true }).filter((_, i) => i !== primary);
    const follow = (mode: "alwaysOn" | "off") =>
      Promise.all(
        others.map((one) =>
          one.db("admin").command({ configureFailPoint: "stopReplProducer", mode }),
        ),
      );
    await follow("alwaysOn");
    a.canary.leave(true, 1);
    const trial = async () => (await b.store.trials.list()).find((t) => t.writeId === set.writeId);
    await until("others see it", async () => (await trial())?.state === "applied", { every: 20 });
    await mongodb.kill(primary);
    await follow("off");
    await Promise.all(others.map((one) => one.close()));
    const told = async () =>
      (await trial())?.state === "applied" && (await trial())?.worker === "a";
    await until("it is told again", told);
    expect(await b.canary.enter(set, never)).toBe(true);
    await mongodb.revive(primary);
    await mongodb.whole();
  });

  it("gives a trial back at once when it is not wanted any more", async () => {
    const [a, b] = await Promise.all([joins("a"), joins("b")]);
    const set = nextSet();
    let asked = 0;
    expect(await a.canary.enter(set, () => asked++ > 0)).toBe(false);
    a.canary.leave(false, 0);
    await until(
      "it is free",
      async () => {
        const { worker } = await b.store.trials.take(set, "b", LEASE_MS);
        return worker === "b";
      },
      { seconds: 5 },
    );
  });

  it("does not try again what ended it before the others can know", async () => {
    const set = nextSet();
    const a = await joins("untold", { revision: set.revision, writeId: set.writeId });
    await a.store.trials.take(set, "untold", LEASE_MS);
    const mend = await fault("untold", { errorCode: 14031 }, "alwaysOn");
    await a.canary.begin(set);
    await expect(a.canary.enter(set, never)).rejects.toThrow(Held);
    await mend();
    const failures = async () =>
      (await a.store.trials.list()).find((t) => t.writeId === set.writeId)?.failures;
    await until("it is told", async () => (await failures()) === 1);
  });

  it.each([
    ["keeps", "replica", "tried"],
    ["leaves to others, as an editor,", "editor", "b"],
  ] as const)("%s the trial in which it ended, for once more", async (_, role, next) => {
    const set = nextSet();
    const { revision, writeId } = set;
    const [a, b] = await Promise.all([joins("tried", { revision, writeId }, role), joins("b")]);
    await a.store.trials.take(set, "tried", LEASE_MS);
    await a.canary.begin(set);
    const known = await b.store.trials.take(set, "b", LEASE_MS);
    expect(known).toMatchObject({ state: "trying", worker: next, failures: 1 });
  });

  it("lives on for longer with what has ended a process before it says that it does no harm", async () => {
    const [a, b] = await Promise.all([joins("a"), joins("b")]);
    const set = nextSet();
    await b.store.trials.fail(set, "c", [LEASE_MS]);
    expect(await a.canary.enter(set, never)).toBe(true);
    a.canary.leave(true, 1);
    await pause(2000);
    expect(await b.store.trials.take(set, "b", LEASE_MS)).toMatchObject({
      worker: "a",
      failures: 1,
    });
    await a.stop();
    expect(await b.store.trials.take(set, "b", LEASE_MS)).toMatchObject({
      worker: "b",
      failures: 1,
    });
  });

  describe("with a module that ends the process that loads it", () => {
    const name = "node-red-contrib-stamp";
    let registry: NpmRegistry;
    let editor: Runtime;
    let replica: Runtime;

    beforeAll(async () => {
      registry = await startNpmRegistry();
      registry.publish(nodeModule(name, "1.0.0", "stamp", '"stamp 1"'));
      registry.publish(breakable(nodeModule(name, "2.0.0", "stamp", '"stamp 2"')));
      const npm = using(registry);
      const kept = { ...lab.access, keepsData: true, restarts: true, files: npm.files };
      const environment = { ...npm.environment, ...ENVIRONMENT };
      [editor, replica] = await Promise.all([
        start({ ...kept, environment, role: "editor" }),
        start({ ...kept, environment, role: "replica", worker: "r-0" }),
      ]);
      writeFileSync(join(replica.folder, "broken"), "");
    });
    afterAll(async () => {
      await Promise.all([editor, replica].map((runtime) => runtime?.remove()));
      await registry?.close();
    });

    const install = (person: Editor, version: string) =>
      person.call("/nodes", { method: "POST", body: JSON.stringify({ module: name, version }) });
    const stamp = async () => (await fetch(`${replica.url}/stamp`)).text();

    it("serves the revision before with the modules that it has, also with the registry away", async () => {
      const person = await Editor.login(editor);
      await person.load();
      expect((await install(person, "1.0.0")).status).toBe(200);
      const revision = await person.deploy([tab("t"), ...answersBy("t", "/stamp", "stamp")]);
      await replica.reaches(revision, 60);
      expect(await stamp()).toBe("stamp 1");
      expect((await install(person, "2.0.0")).status).toBe(200);
      const deaths = async () => (await engine.getContainer(replica.id).inspect()).RestartCount;
      await until("the replica has ended", async () => (await deaths()) > 0, { seconds: 60 });
      registry.breakDown(true);
      const held = `held: revision ${revision + 1} ended r-0 while it was applied`;
      await until("it is held", async () => (await replica.status()).error === held);
      expect(await stamp()).toBe("stamp 1");
      expect(await deaths()).toBe(2);
      await replica.restart();
      expect(await stamp()).toBe("stamp 1");
      expect((await replica.status()).error).toBe(held);
    });
  });
});
