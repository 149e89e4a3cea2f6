import { describe, expect, test } from "vitest";
import { urlOf } from "../../../cli/commands/open.ts";
import { renderStatus } from "../../../cli/commands/status.ts";
import type { Part } from "../../../cli/engine/part.ts";
import { assembleStatus, type Knowledge, publicStatus } from "../../../cli/engine/status.ts";
import type { Route, StackView } from "../../../cli/engine/view.ts";
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
      "redfleet up brings it up",
    );
  });
});
