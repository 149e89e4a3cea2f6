import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readRoom } from "../../cli/engine/pools.ts";
import { Clone, smallest } from "../support/clone.ts";
import { freeze } from "../support/containers.ts";
import { engine, sweep } from "../support/engine.ts";
import { EngineProxy } from "../support/engine-proxy.ts";
import { testName } from "../support/names.ts";
import { capture, type Finished, type Running } from "../support/process.ts";
import { succeeded, type TestStack } from "../support/stack.ts";
import { until } from "../support/wait.ts";

const STACK: TestStack = {
  name: testName("messages"),
  domain: "messages.localhost",
  https: 9743,
  http: 9380,
};
const ERASE = ["down", "--delete-data", "--yes"];

let clone: Clone;

describe("a fault of the environment is told with its cause and the way out:", () => {
  beforeAll(async () => {
    await sweep((labels) => labels?.["redfleet.stack"] === STACK.name);
    clone = await Clone.make(STACK);
  });

  afterAll(async () => {
    succeeded(await clone.redfleet(ERASE, { seconds: 300 }));
    clone.close();
  });

  it("an engine that DOCKER_HOST names and that is down", async () => {
    const env = { DOCKER_HOST: "unix:///var/tmp/redfleet-nobody.sock" };
    for (const command of [["up"], ["status"], ["down"], ["logs", "edge"]]) {
      const { code, output } = await clone.redfleet(command, { env });
      expect(code, output).toBe(3);
      expect(output).toContain("error: the Docker engine does not answer at unix:///var/tmp/");
      expect(output).toContain("why: ENOENT: DOCKER_HOST says that it is there");
      expect(output).toContain("way out: start that engine, or unset DOCKER_HOST");
    }
    const doctor = await clone.redfleet(["doctor"], { env });
    expect(doctor.code).toBe(1);
    expect(doctor.stdout).toMatch(/fail +engine +the Docker engine does not answer at unix/);
  });

  it("a port that is taken", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(STACK.https, "127.0.0.1", resolve));
    const { code, output } = await clone.redfleet(["up"]);
    await new Promise((resolve) => server.close(resolve));
    expect(code).toBe(1);
    expect(output).toContain(`error: port ${STACK.https} on 127.0.0.1 is taken (edge.https)`);
    expect(output).toContain(`why: by process ${process.pid}: `);
    expect(output).toContain(`set another edge.https in Pulumi.${STACK.name}.yaml`);
  });

  it("an engine without addresses for all networks", async () => {
    const { free } = await readRoom(engine, STACK.name, {});
    const tenant = (_: unknown, index: number) =>
      [`t${index}`, { template: "nodered-5", state: "stopped" }] as const;
    const tenants = Object.fromEntries(Array.from({ length: free }, tenant));
    clone.declare({ ...smallest(STACK), tenants });
    const needs = `the engine has addresses for ${free} more networks, and the stack needs ${free + 1}`;
    const { code, output } = await clone.redfleet(["up"]);
    const doctor = await clone.redfleet(["doctor"]);
    clone.declare(smallest(STACK));
    expect(code, output).toBe(1);
    expect(output).toContain(`error: ${needs}`);
    expect(output).toContain("why: each tenant has a network of its own");
    expect(output).toContain('"default-address-pools": [{"base": "172.20.0.0/14", "size": 24}]');
    expect(doctor.stdout).toMatch(new RegExp(`fail +networks +${needs}`));
  });

  it("a disk that is full before anything is done", async () => {
    const { code, output } = await onSmallDisk(clone.path(".redfleet"), "20m", () =>
      clone.redfleet(["up"]),
    );
    expect(code).toBe(1);
    expect(output).toMatch(/error: the disk is full: \d+ MB free at .*\.redfleet\n/);
    expect(output).toContain("way out: free some space (docker system df; docker image prune)");
  });

  it("a job that fails, with its last words and without a stack trace", async () => {
    const running = clone.start(["up"], { seconds: 300 });
    await until("the job", () => killJob(`${STACK.name}-job-mongodb-init`), {
      seconds: 120,
      every: 20,
    });
    const { code, output } = await running.finished;
    expect(code).toBe(1);
    expect(output).toContain(
      `error: the job ${STACK.name}-job-mongodb-init failed (exit code 137)`,
    );
    expect(output).toContain(
      `way out: correct the cause, then npx redfleet up --stack ${STACK.name}: the job runs again`,
    );
    expect(output).not.toMatch(/^\s+at .*:\d+/m);
  });

  it("an engine that dies in the middle of an up", async () => {
    const proxy = await new EngineProxy().open();
    const running = clone.start(["up"], { env: { DOCKER_HOST: proxy.url }, seconds: 300 });
    await containerOf(running);
    proxy.cut();
    const { code, output } = await running.finished;
    expect(code, output).toBe(3);
    expect(output).toContain(`error: the Docker engine went away (DOCKER_HOST=${proxy.url})`);
    expect(output).toContain(
      `way out: start that engine again, then npx redfleet up --stack ${STACK.name}: it goes on`,
    );
  });

  it("somebody who ends an up half-way (Ctrl-C)", async () => {
    const running = clone.start(["up"], { seconds: 300 });
    await containerOf(running);
    const { stdout } = await clone.redfleet(["status"]);
    expect(stdout).toMatch(/is not made yet: redfleet up is under way \(process \d+\)/);
    expect(stdout).not.toContain("does not exist");
    // To the command alone: it hands the signal on, as a terminal's Ctrl-C reaches it once.
    process.kill(running.pid, "SIGINT");
    const { code, output } = await running.finished;
    expect(code, output).toBe(130);
    expect(output).toContain("error: interrupted (SIGINT) in the middle of pulumi up");
    expect(output).toContain(`way out: npx redfleet up --stack ${STACK.name}: it goes on`);
    expect(output).not.toMatch(/pulumi up failed|correct the cause/);
  });

  it("a lock that a killed run holds, and one whose owner is gone", async () => {
    const running = clone.start(["up"], { seconds: 300 });
    const pid = await until("Pulumi's lock", lockOwner, { seconds: 120, every: 50 });
    running.kill("SIGKILL");
    await running.finished;
    const held = await clone.redfleet(["doctor"]);
    expect(held.stdout).toContain(`process ${pid}, since `);
    expect(held.stdout).toContain("which a killed run has left behind");
    process.kill(pid, "SIGSTOP");
    const beside = await clone.pulumi(["up", "--yes"]);
    expect(beside.code).not.toBe(0);
    expect(beside.output).toContain("error: another operation works on the stack");
    expect(beside.output).toContain(`way out: wait until it ends, or end it: kill -INT ${pid}`);
    process.kill(pid, "SIGKILL");
    await until("the owner's end", () => !existsSync(`/proc/${pid}`));
    expect(lockOwner()).toBe(pid);
    expect((await clone.redfleet(["doctor"])).stdout).toMatch(
      /warn +state lock +left behind by .*, which is gone\n.*npx redfleet up --stack \S+ removes it/,
    );
  });

  it("a disk that fills up on the way", async () => {
    const state = clone.path(".redfleet/state");
    const { code, output } = await onSmallDisk(state, "8m", () => clone.redfleet(["up"]), true);
    expect(code).toBe(1);
    expect(output).toContain("error: the disk is full");
    expect(output).toContain("way out: free some space");
  });

  it("a passphrase that is not that of the state", async () => {
    const { output } = succeeded(await clone.redfleet(["up"], { seconds: 300 }));
    expect(output).toContain("Recovery: ");
    const file = clone.path(".redfleet/passphrase");
    const right = readFileSync(file, "utf8");
    writeFileSync(file, "another one\n");
    const answers = [
      await clone.redfleet(["up"]),
      await clone.redfleet(ERASE),
      await clone.redfleet(["password", "solo"]),
      await clone.redfleet(["preview-summary"]),
      await clone.pulumi(["preview", "--non-interactive"]),
    ];
    const doctor = await clone.redfleet(["doctor"]);
    writeFileSync(file, right);
    expect(doctor.code).toBe(1);
    expect(doctor.output).toMatch(/fail +passphrase +the passphrase does not fit the state of /);
    for (const answer of answers) {
      expect(answer.code).not.toBe(0);
      expect(answer.output).toContain("error: the passphrase does not fit the state of the stack");
      expect(answer.output).toContain(`why: it is the one in ${file}`);
      expect(answer.output).toContain("way out: put the one that this state was made with back");
    }
    succeeded(await clone.redfleet(["password", "solo"]));
  });

  it("a part that does not answer in time, with its last log lines", async () => {
    const name = `${STACK.name}-tenant-solo`;
    await freeze(engine.getContainer(name));
    const { code, output } = await clone.redfleet(["up", "--wait", "3"]);
    const known = JSON.parse((await clone.redfleet(["status", "--json"])).stdout);
    await engine.getContainer(name).unpause();
    const healthy = async () => (await clone.redfleet(["status", "--check"])).code === 0;
    await until("it answers again", healthy);
    expect(code, output).toBe(1);
    expect(output).toContain("error: the platform is up, and after 3 s not everything answers");
    expect(output).toMatch(new RegExp(`why: ${name} is paused\n +solo(: no answer| answers 50)`));
    expect(output).toMatch(new RegExp(`^ +${name} \\| \\S`, "m"));
    expect(output).toContain(
      `way out: npx redfleet status --stack ${STACK.name}, npx redfleet logs`,
    );
    expect(known.tenants.solo).toMatchObject({
      state: "error",
      reason: expect.stringMatching(/^paused on the engine: docker unpause \S+ /),
    });
  });

  it("containers that somebody has removed by hand", async () => {
    const whole = succeeded(await clone.redfleet(["status", "--check"]));
    expect(whole.stdout).toContain("all is as the stack file declares");
    const gone = ["edge", "mongodb-0", "tenant-solo"].map((name) => `${STACK.name}-${name}`);
    for (const name of gone) await engine.getContainer(name).remove({ force: true });
    const status = succeeded(await clone.redfleet(["status"]));
    expect(status.stdout).toContain(`HTTPS port ${STACK.https}`);
    expect(status.stdout).toContain(`https://solo.${STACK.domain}:${STACK.https}`);
    expect(status.stdout.match(/does not exist: run npx redfleet up --stack/g)).toHaveLength(
      gone.length,
    );
    const check = await clone.redfleet(["status", "--check", "--json"]);
    expect(check.code).toBe(1);
    const { https, differences } = JSON.parse(check.stdout);
    expect(https).toBe(STACK.https);
    expect(differences).toHaveLength(gone.length);
    const doctor = await clone.redfleet(["doctor"]);
    expect(doctor.code).toBe(1);
    for (const name of gone) expect(doctor.stdout).toContain(`${name} does not exist`);
  });
});

/** Runs with a small disk in the place of a folder; what is in the folder comes along. */
async function onSmallDisk(
  folder: string,
  size: string,
  work: () => Promise<Finished>,
  fill = false,
): Promise<Finished> {
  succeeded(await capture("mkdir", ["-p", folder, `${folder}.before`]));
  succeeded(await capture("cp", ["-a", `${folder}/.`, `${folder}.before`]));
  succeeded(await capture("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder]));
  try {
    succeeded(await capture("cp", ["-a", `${folder}.before/.`, folder]));
    if (fill) await capture("dd", ["if=/dev/zero", `of=${folder}/full`, "bs=4k"]);
    return await work();
  } finally {
    succeeded(await capture("umount", [folder]));
    rmSync(`${folder}.before`, { recursive: true });
  }
}

async function killJob(name: string): Promise<boolean> {
  try {
    await engine.getContainer(name).kill();
    return true;
  } catch {
    // not made yet, or not running yet
    return false;
  }
}

/** Waits until a run has made its first container. */
async function containerOf(running: Running): Promise<void> {
  const filters = { label: [`redfleet.stack=${STACK.name}`] };
  const before = new Set((await engine.listContainers({ all: true, filters })).map(({ Id }) => Id));
  let ended: Finished | undefined;
  running.finished.then((finished) => {
    ended = finished;
  });
  await until(
    "a new container",
    async () => {
      if (ended) throw new Error(ended.output);
      const now = await engine.listContainers({ all: true, filters });
      return now.some(({ Id }) => !before.has(Id));
    },
    { seconds: 120, every: 50 },
  );
}

/** Process that the lock of the stack's state names. */
function lockOwner(): number | undefined {
  const folder = clone.path(".redfleet/state/.pulumi/locks/organization/redfleet", STACK.name);
  if (!existsSync(folder)) return undefined;
  const [name] = readdirSync(folder).filter((entry) => entry.endsWith(".json"));
  if (name === undefined) return undefined;
  return JSON.parse(readFileSync(`${folder}/${name}`, "utf8") || "{}").pid;
}
