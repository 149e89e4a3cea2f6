import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { planContext } from "../../components/context.ts";
import { externalAccess } from "../../components/valkey/access.ts";
import { parsePlatform } from "../../config/parse.ts";
import type { ExternalValkey } from "../../config/sections/valkey.ts";
import type { ValkeySettings } from "../../images/node-red/runtime/environment.ts";
import { Comms } from "../support/comms.ts";
import { answering, type FlowNode, tab } from "../support/flows.ts";
import { platformImage } from "../support/image.ts";
import { Lab } from "../support/lab.ts";
import { redisImage } from "../support/redis.ts";
import { ValkeyGroup } from "../support/valkey-group.ts";
import { until } from "../support/wait.ts";
import { Worker } from "./support/context.ts";
import { Editor } from "./support/editor.ts";
import { launch, start } from "./support/runtime.ts";

const servers = [
  { server: "Valkey", image: () => platformImage("valkey"), program: "valkey-server" },
  { server: "Redis", image: () => redisImage("debian"), program: "redis-server" },
];
const RIGHTS = [
  "resetchannels",
  "~nr:cluster-main:*",
  "&nr:cluster-main:*",
  "+@all",
  "-@admin",
  "-@dangerous",
];

/** What the cluster `main` of a stack with these external servers gets to know. */
async function settings(
  external: Partial<ExternalValkey>,
  secrets: Readonly<Record<string, string>>,
): Promise<ValkeySettings> {
  const platform = {
    ...{ domain: "example.org", valkey: { external } },
    clusters: { main: {}, other: {} },
  };
  const known = { stack: "test", secretNames: Object.keys(secrets) };
  const { config, problems } = parsePlatform(platform, known);
  expect(problems).toEqual([]);
  const given = config.valkey.external as ExternalValkey;
  const secret = (name: string) => pulumi.output(secrets[name] ?? "");
  const access = externalAccess(planContext("test", config), given, secret);
  const file = access.fileOf({ key: "main", identity: "main" }, undefined);
  return new Promise((resolve) => file.apply((text) => resolve(JSON.parse(text))));
}

const set = (scope: ValkeySettings, key: string, value: unknown) =>
  withWorker(scope, (worker) => worker.set("global", key, value));
const get = (scope: ValkeySettings, key: string) =>
  withWorker(scope, (worker) => worker.get("global", key));

async function withWorker<T>(valkey: ValkeySettings, act: (worker: Worker) => Promise<T>) {
  const worker = await new Worker(valkey).ready();
  try {
    return await act(worker);
  } finally {
    await worker.close();
  }
}

describe.each(servers)("Sentinels of somebody else, with TLS, on $server", ({ image }) => {
  /** Clusters know a connection string of its servers and nothing more. */
  let group: ValkeyGroup;
  let valkey: ValkeySettings;
  beforeAll(async () => {
    group = await new ValkeyGroup({ image: await image(), nodes: 2, tls: true }).open();
    for (const member of [0, 1]) {
      const user = ["team", "on", ">p@ss", ...RIGHTS, "+info", "+role"];
      await group.direct("valkey", member).call("ACL", "SETUSER", ...user);
    }
    const sentinels = [0, 1, 2].map((member) => group.address("sentinel", member)).join(",");
    const watcher = `sentinelUsername=app&sentinelPassword=${group.passwords.app}`;
    const url = `rediss-sentinel://team:p%40ss@${sentinels}/?${watcher}#redfleet`;
    const external = { clusters: { main: "main" }, urlSecret: "rest", caSecret: "ca" };
    const secrets = { main: url, rest: "redis://127.0.0.1:1", ca: group.authority ?? "" };
    valkey = await settings(external, secrets);
  });
  afterAll(() => group?.close());

  it("hold shared context, through a failover", async () => {
    const worker = await new Worker(valkey).ready();
    await worker.set("global", "count", 1);
    await group.orderFailover();
    await worker.set("global", "count", 2);
    expect(await worker.get("global", "count")).toBe(2);
    await worker.close();
    await group.settled();
  });

  it("hold flows and users, elect leaders and carry debug messages", async () => {
    const options = { valkey, environment: { REDFLEET_VALKEY_WAIT_REPLICAS: "1" } };
    const job = await launch({
      ...options,
      ...{ role: "instance", secret: null, script: "first-user.ts" },
      files: { "first-password": "first" },
      environment: {
        REDFLEET_FIRST_USER: "admin",
        REDFLEET_FIRST_PASSWORD_FILE: "/run/redfleet/first-password",
      },
    });
    expect(await job.ended(), await job.logs()).toBe(0);
    await job.remove();
    const [editor, replica] = await Promise.all([
      start({ ...options, role: "editor" }),
      start({ ...options, role: "replica", worker: "r0" }),
    ]);
    try {
      const person = await Editor.login(editor, "admin", "first");
      const socket = new WebSocket(`${editor.url.replace("http", "ws")}/comms`);
      const comms = await Comms.login(socket, person.token);
      await person.load();
      await replica.reaches(await person.deploy(flows()));
      const who = async (url: string) =>
        (await (await fetch(`${url}/who`)).json()) as { isLeader: boolean };
      const both = [`${editor.url}/red-nodes`, replica.url];
      await until("one of the two leads", async () => {
        const answers = await Promise.all(both.map(who));
        return answers.filter(({ isLeader }) => isLeader).length === 1;
      });
      const said = () => comms.messages.map(({ data }) => (data as { name?: string })?.name);
      await until("the editor hears the replica", () => said().includes("[r0] what"));
      comms.close();
    } finally {
      await Promise.all([editor.remove(), replica.remove()]);
    }
  });
});

/** `GET /who` answers whether its worker leads, and tells so by a debug node. */
function flows(): FlowNode[] {
  const [input, , output] = answering("t", "who", "/who", "");
  const place = { z: "t", x: 1, y: 1 };
  const answer = {
    ...{ id: "answer", type: "function", outputs: 1, wires: [["what", output.id]], ...place },
    func: "msg.payload = { isLeader: msg.isLeader }; return msg;",
  };
  const what = { id: "what", type: "debug", name: "what", active: true, complete: "payload" };
  return [
    tab("t"),
    { ...input, wires: [["lead"]] },
    {
      id: "lead",
      type: "cluster-leader",
      lockKey: "job",
      wires: [["answer"], ["answer"]],
      ...place,
    },
    answer,
    { ...what, wires: [], ...place },
    output,
  ];
}

describe.each(servers)("one server of somebody else, $server, with a password for all", (one) => {
  const lab = new Lab("valkey");
  beforeAll(() => lab.open());
  afterAll(() => lab.close());

  it("keeps the database that the connection string names", async () => {
    await lab.start({
      ...{ name: "single", component: "valkey", image: await one.image() },
      command: [one.program, "--requirepass", "secret", "--save", "", "--bind", "0.0.0.0"],
      ...{ user: 999, environment: {}, host: 90 },
    });
    const url = (database: number) => `valkey://:secret@${lab.address(90)}/${database}`;
    const third = await settings({ urlSecret: "all" }, { all: url(3) });
    await set(third, "where", "third");
    expect(await get(third, "where")).toBe("third");
    const first = await settings({ urlSecret: "all" }, { all: url(0) });
    expect(await get(first, "where")).toBeUndefined();
  });
});
