import { createServer } from "node:net";
import type Docker from "dockerode";
import { afterAll, beforeAll, expect, it } from "vitest";
import { telling } from "../../cli/engine/log-text.ts";
import { readLogs } from "../../cli/engine/logs.ts";
import { type Observation, observePart } from "../../cli/engine/observe.ts";
import { inspectPart } from "../../cli/engine/view.ts";
import { freeze } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { platformImage } from "../support/image.ts";
import { WORKER } from "../support/names.ts";
import { until } from "../support/wait.ts";

const SECOND = 1_000_000_000;
/** Waits, and ends by itself when it is asked to. */
const WAITS = "trap 'exit 0' TERM; sleep 600 & wait";
/** Takes more than the 32 MB that it may have. */
const EATS = 'x=$(head -c 100000000 /dev/zero | tr "\\0" x)';

let image: string;
const containers: Docker.Container[] = [];

/** A container that runs a line of shell; nothing of the image's own health check is left. */
async function container(line: string, more: Docker.ContainerCreateOptions = {}) {
  const made = await engine.createContainer({
    Image: image,
    Labels: { "redfleet.stack": WORKER, "redfleet.component": "store" },
    Entrypoint: [],
    Cmd: ["sh", "-c", line],
    Healthcheck: { Test: ["NONE"] },
    ...more,
    HostConfig: { NetworkMode: "none", ...more.HostConfig },
  });
  containers.push(made);
  return made;
}

async function started(...args: Parameters<typeof container>) {
  const made = await container(...args);
  await made.start();
  return made;
}

/** A health check that is asked every second, and whose first failure counts: what is 0 comes from the image. */
const health = (line: string) => ({
  Healthcheck: {
    ...{ Test: ["CMD-SHELL", line], Interval: SECOND, Timeout: SECOND, Retries: 1 },
    StartPeriod: 1_000_000,
  },
});

/** What `redfleet status` makes of a container: the engine's description, and the line that tells most. */
async function observe({ id }: Docker.Container): Promise<Observation> {
  const [part] = await inspectPart(engine, id);
  if (part === undefined) throw new Error("the container is gone");
  const lines = await readLogs(engine, id, 30).catch(() => []);
  return observePart(part, telling(lines.map(({ text }) => text)));
}

/** Waits until a container is seen so. */
async function becomes(made: Docker.Container, wanted: Observation): Promise<void> {
  let seen: Observation | undefined;
  const same = async () => {
    seen = await observe(made);
    return seen.state === wanted.state && seen.reason === wanted.reason;
  };
  await until(JSON.stringify(wanted), same, { every: 100 }).catch(() => undefined);
  expect(seen).toEqual(wanted);
}

beforeAll(async () => {
  image = await platformImage("valkey");
});

afterAll(() => Promise.all(containers.map((made) => made.remove({ force: true, v: true }))));

const error = (reason: string): Observation => ({ state: "error", reason });
const stopped = (code: number): Observation => ({
  state: "stopped",
  reason: `stopped on the engine (exit code ${code})`,
});

it("is starting before its first good health check, then running", async () => {
  const made = await container(WAITS, health("test -e /tmp/ready"));
  expect(await observe(made)).toEqual({ state: "starting", reason: "created, not started yet" });
  const silent = await started(WAITS, { Healthcheck: { Test: ["CMD", "true"], Interval: 3600e9 } });
  expect(await observe(silent)).toEqual({
    state: "starting",
    reason: "waits for its first good health check",
  });
  await becomes(await started(WAITS, health("true")), { state: "running", reason: "" });
  await becomes(await started(WAITS), { state: "running", reason: "" });
});

it("is an error with the words of its health check", async () => {
  const made = await started(WAITS, health("echo flows are not started; exit 1"));
  await becomes(made, error("unhealthy: flows are not started"));
});

it("is an error while it is paused", async () => {
  const made = await started(WAITS);
  await freeze(made);
  const { Name: name } = await made.inspect();
  const way = `docker unpause ${name.slice(1)} lets it go on`;
  await becomes(made, error(`paused on the engine: ${way}`));
  await made.unpause();
});

it("is stopped when somebody has stopped or killed it", async () => {
  const [obeys, killed] = [await started(WAITS), await started(WAITS)];
  await until("the trap", async () => (await obeys.top()).Processes.length > 1);
  await obeys.stop({ t: 10 });
  await becomes(obeys, stopped(0));
  await killed.kill();
  await becomes(killed, stopped(137));
});

it("is an error with the last words of what has ended by itself", async () => {
  await becomes(
    await started("echo starting; echo error: cannot find the flows >&2; exit 3"),
    error("ended with exit code 3: error: cannot find the flows"),
  );
});

it("is an error with the last words of what ends again and again", async () => {
  const policy = { HostConfig: { RestartPolicy: { Name: "always" } } };
  const made = await started("echo no store; exit 3", policy);
  const again = /^restarts after exit code 3 \((\d+) times so far\): no store$/;
  const { state } = await until("a crash loop", async () => {
    const seen = await observe(made);
    return Number(again.exec(seen.reason)?.[1]) > 1 && seen;
  });
  expect(state).toBe("error");
});

it("is an error with its limit when the kernel has ended it", async () => {
  const memory = 32 * 2 ** 20;
  const made = await started(EATS, { HostConfig: { Memory: memory, MemorySwap: memory } });
  await becomes(made, error("killed: out of memory (limit 32 MiB)"));
});

it("is an error with the engine's own words when it can not start", async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  const binding = [{ HostIp: "127.0.0.1", HostPort: String(port) }];
  const made = await container(WAITS, {
    ExposedPorts: { "80/tcp": {} },
    HostConfig: { NetworkMode: "bridge", PortBindings: { "80/tcp": binding } },
  });
  await expect(made.start()).rejects.toThrow();
  const { state, reason } = await observe(made);
  expect(state).toBe("error");
  expect(reason).toMatch(/port is already allocated|address already in use/);
  await new Promise((done) => server.close(done));
});
