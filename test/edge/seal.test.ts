import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readBases } from "../../components/images/bases.ts";
import { engine } from "../support/engine.ts";
import { imageOf } from "../support/image.ts";
import { ROOT } from "../support/process.ts";
import { pause, until } from "../support/wait.ts";
import { EdgeLab } from "./support/edge-lab.ts";

const lab = new EdgeLab();
let image: string;

beforeAll(async () => {
  const { node, nodeBuild } = readBases(ROOT);
  const bases = { NODE_BASE: node, NODE_BUILD: nodeBuild, NODE_RED: "5" };
  image = await imageOf("node-red", bases);
  await lab.open();
});
afterAll(() => lab.close());

interface Seal {
  boot: string;
  containers: string[];
}

const seal = async (): Promise<Seal> =>
  JSON.parse(await lab.run("agent", ["cat", "/seal/sealed.json"]));

/** A tenant with the real runtime, whose store answers nobody; returns its container's id. */
async function startRuntime(key: string): Promise<string> {
  const name = lab.name(`tenant-${key}`);
  await lab.makeNetwork(name, "tenant", key);
  const environment = {
    REDFLEET_ROLE: "instance",
    REDFLEET_NAME: key,
    REDFLEET_MONGODB_URI_FILE: "/tmp/uri",
    REDFLEET_MONGODB_DATABASE: "none",
    REDFLEET_SEAL_FILE: "/run/seal/sealed.json",
  };
  const run = "echo mongodb://127.0.0.1:1 > /tmp/uri && exec node /app/start.cjs";
  const container = await engine.createContainer({
    name,
    Image: image,
    Cmd: ["/bin/sh", "-c", run],
    Labels: {
      "redfleet.stack": lab.stack,
      "redfleet.component": "tenant",
      "redfleet.name": key,
    },
    Env: Object.entries(environment).map(([variable, value]) => `${variable}=${value}`),
    HostConfig: {
      NetworkMode: name,
      Tmpfs: { "/tmp": "" },
      Mounts: [
        { Type: "volume", Source: lab.name("agent-seal"), Target: "/run/seal", ReadOnly: true },
      ],
    },
  });
  await container.start();
  return container.id;
}

async function says(key: string, text: string): Promise<boolean> {
  const raw = await lab.container(`tenant-${key}`).logs({ stdout: true, follow: false });
  return raw.toString("utf8").includes(text);
}

const WAITS = "waiting for the agent to seal the network";
const SEALED = "the network is sealed";

it("names the containers whose networks are in the firewall, for this start of the machine", async () => {
  const id = await startRuntime("acme");
  await until("the runtime to know", () => says("acme", SEALED), { every: 50 });
  const { boot, containers } = await seal();
  expect(boot).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  expect(containers).toContain(id);
});

it("is what a runtime waits for that comes while the agent is away", async () => {
  await lab.container("agent").stop({ t: 10 });
  const id = await startRuntime("globex");
  await until("it to wait", () => says("globex", WAITS), { every: 50 });
  await pause(1000);
  expect(await says("globex", SEALED)).toBe(false);
  await lab.container("agent").start();
  await until("the seal", () => says("globex", SEALED), { every: 50 });
  expect((await seal()).containers).toContain(id);
  const { Id } = await engine.getNetwork(lab.name("tenant-globex")).inspect();
  const listed = ["nft", "list", "set", "inet", `redfleet-${lab.stack}`, "tenants"];
  expect(await lab.run("agent", listed)).toContain(`br-${Id.slice(0, 12)}`);
});

it("is there already for one that starts again, agent or not", async () => {
  await lab.container("agent").stop({ t: 10 });
  const started = Math.floor(Date.now() / 1000);
  await lab.container("tenant-acme").restart({ t: 5 });
  await until("it to go on", async () => {
    const raw = await lab.container("tenant-acme").logs({ stdout: true, since: started });
    return raw.toString("utf8").includes(SEALED);
  });
  await lab.container("agent").start();
});

it("cannot be written by a runtime", async () => {
  const write = ["sh", "-c", "echo '{}' > /run/seal/sealed.json"];
  await expect(lab.run("tenant-acme", write)).rejects.toThrow(/Read-only file system/i);
});
