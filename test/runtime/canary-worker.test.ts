import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Boots } from "../../images/node-red/runtime/boots.ts";
import { Canary, Held } from "../../images/node-red/runtime/canary.ts";
import type { Role } from "../../images/node-red/runtime/environment.ts";
import { createLogger } from "../../images/node-red/runtime/log.ts";
import { engine } from "../support/engine.ts";
import { answersBy, tab } from "../support/flows.ts";
import { breakable, nodeModule } from "../support/npm-packages.ts";
import { type NpmRegistry, startNpmRegistry } from "../support/npm-registry.ts";
import { pause, until } from "../support/wait.ts";
import { Editor } from "./support/editor.ts";
import { openMongodb } from "./support/labs.ts";
import { using } from "./support/modules.ts";
import { type Runtime, start } from "./support/runtime.ts";
import { openStoreOf } from "./support/stores.ts";

/** As a platform has it, but quicker to look again. */
const ENVIRONMENT = { REDFLEET_DRAIN_SECONDS: "5", REDFLEET_POLL_SECONDS: "2" };

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
