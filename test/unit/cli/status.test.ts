import { describe, expect, test } from "vitest";
import { urlOf } from "../../../cli/commands/open.ts";
import { renderCheck, renderStatus } from "../../../cli/commands/status.ts";
import type { Absence } from "../../../cli/engine/absence.ts";
import { differences } from "../../../cli/engine/differences.ts";
import type { Part } from "../../../cli/engine/part.ts";
import { assembleStatus, type Knowledge, publicStatus } from "../../../cli/engine/status.ts";
import type { Route, StackView } from "../../../cli/engine/view.ts";
import { parsePlatform } from "../../../config/parse.ts";
import { part } from "./inspected.ts";

const route = (kind: Route["kind"], key: string, more: Partial<Route> = {}): Route => ({
  key,
  kind,
  hosts: [`${key}.t.localhost`],
  state: "running",
  upstream: `t-${kind}-${key}`,
  prefix: kind === "cluster" ? "/red-nodes" : "",
  ...more,
});

const view = (parts: Part[], routes: Route[]): StackView => ({
  stack: "t",
  parts,
  routes,
  volumes: [],
  networks: [],
});

const known = (more: Partial<Knowledge> = {}): Knowledge => ({
  caFile: "/clone/.redfleet/t/ca.crt",
  runtimes: new Map(),
  lastLines: new Map(),
  absence: {},
  ...more,
});

const edge = part("t-edge", "edge", "", {
  host: { PortBindings: { "8443/tcp": [{ HostPort: "9443" }] } },
});
const agent = part("t-agent", "agent", "");
const editor = part("t-editor-main", "editor", "main");
const replicas = [0, 1].map((member) => part(`t-replica-main-${member}`, "replica", "main"));
const cluster = route("cluster", "main");

describe("status", () => {
  test("has exactly the shape that scripts rely on", () => {
    const runtimes = new Map(
      [editor, ...replicas].map(({ name }) => [name, { state: "running", revision: 7 }]),
    );
    const acme = route("tenant", "acme", { hosts: ["acme.t.localhost", "shop.example.org"] });
    const parts = [edge, agent, editor, ...replicas, part("t-tenant-acme", "tenant", "acme")];
    const status = assembleStatus(view(parts, [acme, cluster]), known({ runtimes }));
    expect(publicStatus(status)).toEqual({
      stack: "t",
      domain: "t.localhost",
      https: 9443,
      caFile: "/clone/.redfleet/t/ca.crt",
      clusters: {
        main: {
          url: "https://main.t.localhost:9443",
          apiUrl: "https://main.t.localhost:9443/red-nodes",
          state: "running",
          revision: 7,
          replicas: [
            { name: "t-replica-main-0", state: "running", revision: 7 },
            { name: "t-replica-main-1", state: "running", revision: 7 },
          ],
        },
      },
      tenants: {
        acme: {
          url: "https://acme.t.localhost:9443",
          aliases: ["https://shop.example.org:9443"],
          state: "running",
          reason: "",
        },
      },
    });
  });

  test("works with the edge, the agent and all runtimes gone", () => {
    const status = assembleStatus(view([], [cluster, route("tenant", "acme")]), known());
    expect(status.domain).toBe("t.localhost");
    expect(status.https).toBe(0);
    expect(status.clusters.main?.state).toBe("error");
    expect(status.tenants.acme?.reason).toContain("does not exist");
  });

  test("says which replica is ill and why, and keeps the revision of the others", () => {
    const down = part("t-replica-main-1", "replica", "main", {
      state: { Status: "exited", ExitCode: 143 },
    });
    const runtimes = new Map([["t-replica-main-0", { state: "running", revision: 6 }]]);
    const parts = [edge, editor, replicas[0] as Part, down];
    const { main } = assembleStatus(view(parts, [cluster]), known({ runtimes })).clusters;
    expect(main?.state).toBe("error");
    expect(main?.revision).toBe(6);
    expect(main?.reason).toBe("t-replica-main-1: stopped on the engine (exit code 143)");
  });

  test("believes a runtime that reports an error, and one that still starts", () => {
    const runtimes = new Map([
      ["t-replica-main-0", { state: "error", revision: 6, error: "no such node type: mqtt2" }],
      ["t-replica-main-1", { state: "starting", revision: null }],
      ["t-editor-main", { state: "reloading", revision: 7 }],
    ]);
    const status = assembleStatus(view([editor, ...replicas], [cluster]), known({ runtimes }));
    const [first, second] = status.clusters.main?.replicas ?? [];
    expect(first).toMatchObject({ state: "error", reason: "no such node type: mqtt2" });
    expect(second).toMatchObject({ state: "starting", revision: null });
    expect(status.clusters.main?.revision).toBe(7);
  });

  test("tells a tenant that is declared stopped from one that still stops", () => {
    const stopped = route("tenant", "acme", { state: "stopped" });
    const gone = assembleStatus(view([], [stopped]), known()).tenants.acme;
    expect(gone).toMatchObject({ state: "stopped", reason: "stopped in the stack file" });
    const still = view([part("t-tenant-acme", "tenant", "acme")], [stopped]);
    expect(assembleStatus(still, known()).tenants.acme?.state).toBe("stopping");
  });

  test("leaves the port out of an address on 443", () => {
    const standard = part("t-edge", "edge", "", {
      host: { PortBindings: { "8443/tcp": [{ HostPort: "443" }] } },
    });
    const status = assembleStatus(view([standard], [cluster]), known());
    expect(urlOf(status, "main")).toBe("https://main.t.localhost");
    expect(() => urlOf(status, "mian")).toThrow('no cluster or tenant "mian"');
  });

  test("reads well", () => {
    const runtimes = new Map([["t-editor-main", { state: "running", revision: 7 }]]);
    const parts = [edge, editor, part("t-mongodb-0", "mongodb", "")];
    const status = assembleStatus(
      view(parts, [cluster, route("tenant", "acme", { state: "stopped" })]),
      known({ runtimes }),
    );
    expect(renderStatus(status)).toMatchInlineSnapshot(`
      "stack t  domain t.localhost  HTTPS port 9443
      CA certificate /clone/.redfleet/t/ca.crt

                    STATE    REVISION  ADDRESS
      cluster main  running  7         https://main.t.localhost:9443
      tenant acme   stopped            https://acme.t.localhost:9443  stopped in the stack file

      t-edge       running
      t-mongodb-0  running"
    `);
    expect(renderStatus(assembleStatus(view([], []), known()))).toContain(
      "npx redfleet up --stack t brings it up",
    );
  });
});

describe("what the stack file declares and the engine does not have", () => {
  const { config: platform } = parsePlatform(
    {
      ...{ domain: "t.localhost", dev: true, edge: { https: 9443, http: 9080 } },
      ...{ mongodb: { members: 1 }, valkey: { replicas: 0, sentinels: 0 } },
      clusters: { main: { apiReplicas: 2 } },
      tenants: {
        acme: { template: "nodered-5" },
        off: { template: "nodered-5", state: "stopped" },
      },
    },
    { stack: "t", secretNames: undefined },
  );
  const main = route("cluster", "main", { upstream: "t-editor-main" });
  const acme = route("tenant", "acme", { upstream: "t-tenant-acme" });
  const off = route("tenant", "off", { upstream: "t-tenant-off", state: "stopped" });
  const whole = [
    ...[agent, edge, part("t-mongodb-0", "mongodb", ""), part("t-valkey-0", "valkey", "")],
    ...[editor, ...replicas, part("t-tenant-acme", "tenant", "acme")],
  ];
  const without = (...names: string[]) => whole.filter(({ name }) => !names.includes(name));
  const examine = (parts: Part[], routes = [main, acme, off], absence: Absence = {}) => {
    const seen = view(parts, routes);
    const status = assembleStatus(seen, known({ absence }), platform);
    return { status, differences: differences(seen, status, platform) };
  };
  const gone = "does not exist: run npx redfleet up";

  test("is nothing while all is there", () => {
    const { status, differences: found } = examine(whole);
    expect(found).toEqual([]);
    expect(status.tenants.off).toMatchObject({ state: "stopped" });
    expect(renderCheck({ differences: found })).toEqual(["all is as the stack file declares"]);
    expect(renderCheck({})).toEqual([]);
  });

  test("is listed: the edge, whose port stays in every address, and a store's member", () => {
    const { status, differences: found } = examine(without("t-edge", "t-mongodb-0"));
    expect(status.https).toBe(9443);
    expect(status.clusters.main?.url).toBe("https://main.t.localhost:9443");
    const lost = { state: "error", reason: gone };
    expect(status.components["t-edge"]).toEqual({ component: "edge", ...lost });
    expect(Object.keys(status.components)).toEqual([
      ...["t-agent", "t-edge", "t-mongodb-0", "t-valkey-0"],
    ]);
    expect(renderStatus(status)).toMatch(new RegExp(`t-mongodb-0 +error +${gone}`));
    expect(renderCheck({ differences: found })).toEqual([
      [
        "not as the stack file declares:",
        `  t-edge: error (${gone}), the stack file says running`,
        `  t-mongodb-0: error (${gone}), the stack file says running`,
      ].join("\n"),
    ]);
  });

  test("makes a cluster that lacks a replica ill, and a tenant without its container", () => {
    const { status, differences: found } = examine(without("t-replica-main-0", "t-tenant-acme"));
    expect(status.clusters.main?.state).toBe("error");
    expect(status.clusters.main?.replicas).toMatchObject([
      { name: "t-replica-main-0", state: "error", reason: `its container ${gone}` },
      { name: "t-replica-main-1", state: "running" },
    ]);
    expect(status.tenants.acme?.state).toBe("error");
    expect(found).toEqual([
      `cluster main: error (t-replica-main-0: its container ${gone}), the stack file says running`,
      `tenant acme: error (its container ${gone}), the stack file says running`,
    ]);
  });

  test("is a tenant that no up has made yet, or started again", () => {
    const restarted = { ...acme, state: "stopped" } as const;
    const fresh = examine(without("t-tenant-acme"), [main, off]);
    expect(fresh.status.tenants.acme?.url).toBe("https://acme.t.localhost:9443");
    expect(fresh.differences).toHaveLength(1);
    expect(examine(without("t-tenant-acme"), [main, restarted, off]).differences).toEqual([
      "tenant acme: stopped (stopped until the next npx redfleet up --stack t), the stack file says running",
    ]);
  });

  test("is told from what the engine has beyond it", () => {
    const surplus = [
      ...[...whole, part("t-replica-main-2", "replica", "main")],
      ...[part("t-tenant-old", "tenant", "old"), part("t-tenant-off", "tenant", "off")],
    ];
    const { differences: found } = examine(surplus, [main, acme, off, route("tenant", "old")]);
    const said = "is there, and the stack file does not declare it";
    expect(found).toEqual([
      "tenant off: stopping (stopped in the stack file), the stack file says stopped",
      `tenant old: ${said}`,
      `t-replica-main-2: ${said}`,
      `t-tenant-off: ${said}`,
    ]);
  });

  test.each([
    [
      "an up that is under way makes it",
      { work: { command: "redfleet up", pid: 7, removes: false } },
      ["starting", "is not made yet: redfleet up is under way (process 7)"],
    ],
    [
      "a down that is under way has taken it away",
      { work: { command: "pulumi destroy", pid: 8, removes: true } },
      ["stopping", "is gone: pulumi destroy is under way (process 8)"],
    ],
    [
      "no up has made it",
      { made: new Set<string>() },
      ["stopped", "is not made yet: run npx redfleet up"],
    ],
    [
      "somebody has removed it",
      { made: new Set(["t-edge", "t-replica-main-0", "t-tenant-acme"]) },
      ["error", gone],
    ],
  ] as const)("is told by why it is not there: %s", (_, absence, [state, reason]) => {
    const parts = without("t-edge", "t-replica-main-0", "t-tenant-acme");
    const { status, differences: found } = examine(parts, [main, acme, off], absence);
    expect(status.components["t-edge"]).toEqual({ component: "edge", state, reason });
    const runtime = { state, reason: `its container ${reason}` };
    expect(status.tenants.acme).toMatchObject(runtime);
    expect(status.clusters.main?.replicas[0]).toMatchObject(runtime);
    expect(found).toHaveLength(3);
  });

  test("follows a tenant that has another key by now", () => {
    const { config: renamed } = parsePlatform(
      { domain: "t.localhost", tenants: { shop: { template: "nodered-5", renamedFrom: "acme" } } },
      { stack: "t", secretNames: undefined },
    );
    const seen = view([part("t-tenant-acme", "tenant", "acme")], [acme]);
    const status = assembleStatus(seen, known(), renamed);
    expect(Object.keys(status.tenants)).toEqual(["acme"]);
    expect(status.tenants.acme?.state).toBe("running");
  });

  test("tells a CA that is not made yet from certificates that are given", () => {
    const status = assembleStatus(view([edge], []), known({ caFile: null }));
    const given = { mode: "files", certificate: "a.crt", key: "a.key" } as const;
    expect(renderStatus(status)).toContain("CA certificate none yet\n");
    expect(renderStatus(status, { mode: "ownCa" })).toContain("CA certificate none yet\n");
    expect(renderStatus(status, given)).toContain("CA certificate none of its own\n");
  });

  test("of a stack that is down says whose data is kept", () => {
    const volumes = [
      { name: "t-agent-ca", component: "agent", key: "" },
      { name: "t-mongodb-0-data", component: "mongodb", key: "" },
      { name: "t-mongodb-0-files", component: "mongodb", key: "" },
      { name: "t-mongodb-1-data", component: "mongodb", key: "" },
      { name: "t-tenant-shop-1-data", component: "tenant", key: "shop-1" },
      { name: "t-tenant-shop-2-data", component: "tenant", key: "shop-2" },
    ];
    expect(renderStatus(assembleStatus({ ...view([], []), volumes }, known()))).toBe(
      'the stack "t" is down; data of mongodb, tenant-shop-1, tenant-shop-2 is kept: npx redfleet up --stack t goes on with it',
    );
  });

  test("is no question after a down", () => {
    const { status, differences: found } = examine([], []);
    expect(renderStatus(status)).toContain("npx redfleet up --stack t brings it up");
    expect(found).toEqual(['nothing of the stack "t" is on this engine']);
  });
});
