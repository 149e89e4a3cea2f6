import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engine } from "../support/engine.ts";
import { answering, answersBy, type FlowNode, tab } from "../support/flows.ts";
import { type LocalReplicaSet, startReplicaSet } from "../support/mongodb.ts";
import { breakable, nodeModule } from "../support/npm-packages.ts";
import { type NpmRegistry, startNpmRegistry } from "../support/npm-registry.ts";
import { until } from "../support/wait.ts";
import { addUser, Editor } from "./support/editor.ts";
import { using } from "./support/modules.ts";
import { type Major, type Runtime, start } from "./support/runtime.ts";

let mongodb: LocalReplicaSet;
beforeAll(async () => {
  mongodb = await startReplicaSet();
});
afterAll(() => mongodb?.close());

/** A function whose code ends the process 100 ms after it has started, as an exhausted heap does. */
function ending(): FlowNode[] {
  const [input, fn, output] = answering("t", "end", "/end", "");
  const initialize = 'setTimeout(() => Buffer.constructor("return process")().abort(), 100);';
  return [tab("t"), input, { ...fn, initialize }, output];
}

describe.each<Major>([5, 4])("boot loops on Node-RED %i", (major) => {
  const database = `boots-${major}`;
  const running: Runtime[] = [];
  const begin = async () => {
    const kept = { keepsData: true, restarts: true };
    const options = { major, uri: mongodb.uri, database, role: "instance", ...kept } as const;
    const runtime = await start(options);
    running.push(runtime);
    return runtime;
  };
  beforeAll(() => addUser(mongodb.client, database, "admin"));
  afterAll(() => Promise.all(running.map((runtime) => runtime.remove())));

  const inSafeMode = (runtime: Runtime) =>
    until(
      "safe mode",
      async () => {
        const { state, error } = await runtime.status();
        return state === "error" && error?.startsWith("safe mode: ") && error;
      },
      { seconds: 150 },
    ).catch(async (error) => {
      throw new Error((await runtime.logs()).slice(-4000), { cause: error });
    });

  it("goes into safe mode, tells why, and leaves it by a deploy", async () => {
    const tenant = await begin();
    const person = await Editor.login(tenant);
    await person.load();
    await person.deploy(ending());
    expect(await inSafeMode(tenant)).toMatch(
      /flows do not run, with revision 1 the process ended 5 times, after \d+\.\d s on average; a deploy starts them/,
    );
    const again = await Editor.login(tenant);
    expect(await again.load()).toHaveLength(4);
    const revision = await again.deploy([
      tab("t"),
      ...answering("t", "a", "/a", "msg.payload = 1;"),
    ]);
    await tenant.reaches(revision);
    expect(await (await fetch(`${tenant.url}/a`)).text()).toBe("1");
    expect(await tenant.status()).toMatchObject({ state: "running" });
    await tenant.restart();
    expect(await tenant.status()).toMatchObject({ state: "running", revision });
  });
});

describe("a module that ends the process when it is loaded, without flows as well", () => {
  const database = "boots-module";
  const module = "node-red-contrib-stamp";
  let registry: NpmRegistry;
  let tenant: Runtime;
  let switchFile: string;

  beforeAll(async () => {
    registry = await startNpmRegistry();
    registry.publish(breakable(nodeModule(module, "1.0.0", "stamp", '"stamp"')));
    await addUser(mongodb.client, database, "admin");
    const npm = using(registry);
    tenant = await start({
      ...{ uri: mongodb.uri, database, role: "instance", secret: null, keepsData: true },
      files: npm.files,
      environment: { ...npm.environment, REDFLEET_MODULES: `${module}@1.0.0` },
    });
    switchFile = join(tenant.folder, "broken");
  });
  afterAll(async () => {
    await tenant?.remove();
    await registry?.close();
  });

  /** Runs that end by a crash, one after the other, as the engine starts them. */
  const crash = async (runs: number) => {
    for (let run = 0; run < runs; run++) {
      await engine.getContainer(tenant.id).start();
      expect(await tenant.ended()).not.toBe(0);
    }
  };

  it("stops the runtime after ten crashes, which says why, until a restart finds it repaired", async () => {
    const person = await Editor.login(tenant);
    await person.load();
    const revision = await person.deploy([tab("t"), ...answersBy("t", "/a", "stamp")]);
    const answer = async () => (await fetch(`${tenant.url}/a`)).text();
    expect(await answer()).toBe("stamp");
    writeFileSync(switchFile, "");
    await tenant.signal("SIGKILL");
    await tenant.ended();
    await crash(4);
    expect(await tenant.logs()).not.toContain("safe mode: ");
    await crash(5);
    expect(await tenant.logs()).toContain(
      `safe mode: flows do not run, with revision ${revision} the process ended 5 times`,
    );
    await engine.getContainer(tenant.id).start();
    const error = await until("it stops", async () => (await tenant.status()).error);
    expect(error).toMatch(
      /^stopped: the process ended 5 times, after \d+\.\d s on average, in safe mode as well; a restart tries again$/,
    );
    expect(await tenant.logs()).toContain(error);
    expect((await fetch(`${tenant.health}/healthz`)).status).toBe(200);
    expect((await fetch(`${tenant.health}/readyz`)).status).toBe(503);
    await expect(fetch(tenant.url)).rejects.toThrow();
    expect(await tenant.running()).toBe(true);
    rmSync(switchFile);
    await tenant.restart();
    expect(await tenant.status()).toMatchObject({ state: "running", revision });
    expect(await answer()).toBe("stamp");
  });
});
