import { describe, expect, it } from "vitest";
import { renderConfig } from "../../images/agent/edge/config.ts";
import { batches, fitting } from "../../images/agent/edge/live.ts";
import { diffMap, parseShownMap, renderMap, routeMap } from "../../images/agent/edge/map.ts";
import { parseRoutes, type Route } from "../../images/agent/routes.ts";
import { parseEdgeSettings } from "../../images/agent/settings.ts";

const settings = parseEdgeSettings({ domain: "example.test", publicHttpsPort: 8443 });
const record = (kind: string, key: string, more: Record<string, string> = {}) => ({
  name: `dev-route-${kind}-${key}`,
  labels: {
    "redfleet.name": key,
    "redfleet.route.kind": kind,
    "redfleet.route.hosts": `${key}.example.test`,
    "redfleet.route.state": "running",
    "redfleet.route.upstream": `dev-${kind === "tenant" ? "tenant" : "editor"}-${key}`,
    "redfleet.route.api": `dev-replica-${key}`,
    "redfleet.route.prefix": "/red-nodes",
    "redfleet.route.options": "{}",
    ...more,
  },
});
const route = (...args: Parameters<typeof record>) =>
  parseRoutes([record(...args)]).routes[0] as Route;
const config = (routes: Route[], changes: Partial<typeof settings> = {}) =>
  renderConfig({
    settings: { ...settings, ...changes },
    clusters: routes.flatMap((one) => (one.kind === "cluster" ? [one] : [])),
    certificates: ["/edge/tls.pem", "/edge/aliases.pem"],
    stack: "dev",
  });

describe("route records", () => {
  it("become routes", () => {
    expect(
      route("tenant", "acme", { "redfleet.route.hosts": "Acme.Example.Test, b.test" }),
    ).toEqual({
      kind: "tenant",
      key: "acme",
      hosts: ["acme.example.test", "b.test"],
      state: "running",
      upstream: "dev-tenant-acme",
      options: { bodyLimitBytes: undefined, rateLimitPerSecond: undefined, sticky: false },
    });
    expect(route("cluster", "main")).toMatchObject({
      api: "dev-replica-main",
      prefix: "/red-nodes",
    });
  });

  it.each([
    ["a host with a line break", { "redfleet.route.hosts": "a.test\nglobal" }],
    ["no host", { "redfleet.route.hosts": "" }],
    ["a kind of its own", { "redfleet.route.kind": "other" }],
    ["a prefix that is a rule", { "redfleet.route.prefix": "/x }\n  http-request" }],
    ["an upstream that is none", { "redfleet.route.upstream": "a b" }],
    ["options that are no JSON", { "redfleet.route.options": "{" }],
    ["a limit that is none", { "redfleet.route.options": '{"bodyLimitBytes":-1}' }],
  ])("with %s are left out, and the others stay", (_, more) => {
    const { routes, bad } = parseRoutes([
      record("cluster", "main", more),
      record("tenant", "acme"),
    ]);
    expect(routes.map((one) => one.key)).toEqual(["acme"]);
    expect(bad).toHaveLength(1);
    expect(bad[0]?.record).toBe("dev-route-cluster-main");
  });

  it("never take a host from somebody who has it", () => {
    const thief = record("tenant", "evil", {
      "redfleet.route.hosts": "acme.example.test,evil.test",
    });
    const { routes, bad } = parseRoutes([thief, record("tenant", "acme")]);
    expect(routes.map((one) => one.hosts)).toEqual([["acme.example.test"], ["evil.test"]]);
    expect(bad).toEqual([
      {
        record: "dev-route-tenant-evil",
        reason: "acme.example.test belongs to dev-route-tenant-acme",
      },
    ]);
  });
});

describe("the map", () => {
  const map = routeMap(
    [
      route("tenant", "acme"),
      route("tenant", "idle", { "redfleet.route.state": "stopped" }),
      route("cluster", "main", {
        "redfleet.route.options": '{"bodyLimitBytes":5,"rateLimitPerSecond":7}',
      }),
    ],
    settings,
    new Map([["dev-tenant-acme", "172.20.0.2"]]),
  );

  it("holds all that a host needs in one value", () => {
    expect(renderMap(map)).toBe(
      [
        "acme.example.test tenants|acme|dev-tenant-acme|10485760|10000|172.20.0.2",
        "idle.example.test stopped|idle|dev-tenant-idle|10485760|10000|",
        "main.example.test editor-main|main|dev-editor-main|5|70|",
        "",
      ].join("\n"),
    );
  });

  it("is changed by its difference alone", () => {
    const shown = [...map].map(([host, value], at) => `0x55${at} ${host} ${value}`).join("\n");
    const live = parseShownMap(shown);
    expect(diffMap(live, map)).toEqual([]);
    const wanted = new Map(map).set("new.test", "tenants|new|x|1|1").set("acme.example.test", "y");
    wanted.delete("idle.example.test");
    expect(diffMap(live, wanted)).toEqual([
      "add map /edge/routes.map new.test tenants|new|x|1|1",
      "set map /edge/routes.map acme.example.test y",
      "del map /edge/routes.map idle.example.test",
    ]);
    expect(parseShownMap("")).toEqual(new Map());
  });

  it("is sent in lines that fit the proxy's buffer", () => {
    const commands = Array.from({ length: 1000 }, (_, at) => `add map m host-${at}.example.test v`);
    const lines = batches(commands);
    expect(lines.join(";").split(";")).toEqual(commands);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(8192);
  });
});

describe("a proxy that runs another configuration", () => {
  const told = {
    backends: "# name\ntenants\neditor-main\nstopped\n",
    certificates: "# transaction\n*/edge/new.pem\n# filename\n/edge/tls.pem\n",
  };

  it("gets the routes whose backend it has, and the certificates that it knows", () => {
    const map = new Map([
      ["a.test", "tenants|a|x|1|1"],
      ["b.test", "editor-main|main|x|1|1"],
      ["c.test", "editor-new|new|x|1|1"],
    ]);
    const certificates = new Map([
      ["/edge/tls.pem", "one"],
      ["/edge/new.pem", "two"],
    ]);
    const fits = fitting({ map, certificates }, told);
    expect([...fits.map.keys()]).toEqual(["a.test", "b.test"]);
    expect([...fits.certificates]).toEqual([["/edge/tls.pem", "one"]]);
  });
});

describe("the configuration", () => {
  it("is the same text for the same clusters, in any order, and knows no tenant", () => {
    const [a, b, tenant] = [route("cluster", "a"), route("cluster", "b"), route("tenant", "acme")];
    expect(config([a, b, tenant])).toEqual(config([b, a]));
    expect(config([a]).digest).not.toBe(config([a, b]).digest);
    expect(config([a]).text).not.toContain("acme");
    expect(config([a]).text).toContain(`description ${config([a]).digest}\n`);
  });

  it("has the rules of each cluster and of its options", () => {
    const { text } = config([
      route("cluster", "main", { "redfleet.route.options": '{"sticky":true}' }),
    ]);
    expect(text).toContain("use_backend api-main if of-main api-main");
    expect(text).toContain("server-template replica 1-64 dev-replica-main:1880 check port 1881");
    expect(text).toContain("cookie redfleet-replica insert");
    expect(config([route("cluster", "main")]).text).not.toContain("cookie");
  });

  it("asks for HTTPS for ever only where that is wanted", () => {
    expect(config([], { hsts: true }).text).toContain("Strict-Transport-Security");
    expect(config([], { hsts: false }).text).not.toContain("Strict-Transport-Security");
    expect(parseEdgeSettings({ domain: "x.localhost" }).hsts).toBe(false);
    expect(parseEdgeSettings({ domain: "x.test" }).hsts).toBe(true);
  });

  it("knows the login in every spelling that the runtimes take", () => {
    expect(config([]).text).toContain("  acl login path -i /auth/token /auth/token/\n");
    expect(config([], { loginLimitPerMinute: 0 }).text).not.toContain("/auth/token");
  });

  it("limits what one source holds: connections, and the requests in them", () => {
    const { text } = config([], { connectionsPerSource: 7 });
    expect(text.match(/tcp-request connection track-sc2 src table connections\n/g)).toHaveLength(2);
    expect(text.match(/tcp-request connection reject if { sc_conn_cur\(2\) gt 7 }/g)).toHaveLength(
      2,
    );
    expect(text).toMatch(/http-request return status 429 .* if { sc_conn_cur\(3\) gt 7 }/);
    expect(config([]).text).toContain("reject if { sc_conn_cur(2) gt 500 }");
    expect(config([], { connectionsPerSource: 0 }).text).not.toContain("sc_conn_cur");
  });

  it("takes the connections at a time that it is told, or those that fit the edge", () => {
    expect(config([]).text).toContain("  maxconn 1280\n");
    expect(config([], { maxConnections: 320 }).text).toContain("  maxconn 320\n");
  });

  it("leaves the port out of redirects where it is the default", () => {
    expect(config([]).text).toContain("https://%[var(txn.host)]:8443%[pathq]");
    expect(config([], { publicHttpsPort: 443 }).text).toContain("https://%[var(txn.host)]%[pathq]");
  });
});

describe("the settings", () => {
  it.each([
    ["httpPort", { httpPort: 0 }],
    ["domain", { domain: "a b" }],
    ["bodyLimitBytes", { bodyLimitBytes: "10m" }],
    ["tls.mode", { tls: { mode: "acme" } }],
    ["leafDays", { tls: { mode: "ownCa", leafDays: 400 } }],
  ])("are refused by the name of the field: %s", (field, fields) => {
    expect(() => parseEdgeSettings({ domain: "example.test", ...fields })).toThrow(field);
  });
});
