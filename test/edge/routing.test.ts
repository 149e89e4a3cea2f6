import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engine } from "../support/engine.ts";
import { report } from "../support/report.ts";
import { until } from "../support/wait.ts";
import { roundTrip } from "./support/edge-client.ts";
import { EdgeLab } from "./support/edge-lab.ts";

const lab = new EdgeLab();
const CONNECTIONS = 40;

/** Waits until a host answers with 200. */
const up = (label: string, path = "/") =>
  until(`${label} to answer`, async () => {
    const answer = await lab.client.askAnew(lab.host(label), path);
    return answer.status === 200 && JSON.parse(answer.body);
  });

beforeAll(() =>
  lab.open({
    ...{ bodyLimitBytes: 30_000, loginLimitPerMinute: 3, rateLimitPerSecond: 500 },
    ...{ connectionsPerSource: CONNECTIONS, hsts: true },
  }),
);
afterAll(() => lab.close());

describe("tenants", () => {
  it("answers for a new one within seconds, without a reload of the proxy", async () => {
    const reloads = (await lab.logged("reloaded the proxy")).length;
    await lab.addTenant("acme", { aliases: ["shop.example.test"] });
    expect(await up("acme")).toMatchObject({ host: "tenant-acme", method: "GET" });
    expect(await lab.logged("reloaded the proxy")).toHaveLength(reloads);
  });

  it("tells the upstream who asks, whatever the client claims", async () => {
    const headers = {
      "x-forwarded-for": "6.6.6.6",
      "X-Forwarded-User": "admin",
      forwarded: "for=6",
    };
    const answer = await lab.client.ask(lab.host("acme"), "/", { headers });
    const seen = JSON.parse(answer.body).headers;
    expect(seen["x-forwarded-for"]).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(seen["x-forwarded-for"]).not.toBe("6.6.6.6");
    expect(seen).toMatchObject({
      "x-forwarded-proto": "https",
      "x-forwarded-port": String(lab.client.https),
    });
    expect(seen).not.toHaveProperty("x-forwarded-user");
    expect(seen).not.toHaveProperty("forwarded");
  });

  it("answers under an alias outside the domain, with a certificate for it", async () => {
    await until("a wider authority", async () => {
      lab.client.ca = await lab.authority();
      const answer = await lab.client.askAnew("shop.example.test", "/");
      return answer.status === 200;
    });
    const { certificate } = await lab.client.certificate("shop.example.test");
    expect(certificate.subjectAltName).toBe("DNS:shop.example.test");
  });

  it("speaks websockets", async () => {
    const socket = await lab.client.socket(lab.host("acme"), "/comms");
    expect(await roundTrip(socket, "hello")).toBe("tenant-acme:hello");
    socket.terminate();
  });

  it("finds one that comes back under a new address", async () => {
    const before = await lab.address("tenant-acme", "tenant-acme");
    await lab.removeContainer("tenant-acme");
    // Somebody else takes the old address: nothing may be sent there.
    const network = lab.name("tenant-acme");
    await lab.startUpstream({ name: "decoy", component: "decoy", key: "acme", network });
    expect(await lab.address("decoy", "tenant-acme")).toBe(before);
    await lab.startTenant("acme");
    expect(await lab.address("tenant-acme", "tenant-acme")).not.toBe(before);
    const started = Date.now();
    const hosts: string[] = [];
    await until("the tenant", async () => {
      const answer = await lab.client.askAnew(lab.host("acme"), "/");
      if (answer.status === 200) hosts.push(JSON.parse(answer.body).host);
      return answer.status === 200;
    });
    report("tenant under a new address → served", Date.now() - started, "ms", { atMost: 1000 });
    expect(hosts).toEqual(["tenant-acme"]);
    await lab.removeContainer("decoy");
  });

  it("answers a clear page while one is stopped, and for one that does not answer", async () => {
    await lab.addTenant("idle", { state: "stopped" });
    const stopped = await until("the page", async () => {
      const answer = await lab.client.askAnew(lab.host("idle"), "/");
      return answer.status === 503 ? answer : undefined;
    });
    expect(stopped.body).toContain("idle is stopped");
    expect(stopped.headers["content-type"]).toContain("text/html");
    await lab.setTenantRoute("idle");
    const starting = await until("the other page", async () => {
      const answer = await lab.client.askAnew(lab.host("idle"), "/");
      return answer.body.includes("idle is not answering yet") ? answer : undefined;
    });
    expect(starting).toMatchObject({ status: 503, headers: { "retry-after": "2" } });
  });

  it("leaves the network of one that is removed, so that it can be deleted", async () => {
    await lab.addTenant("brief");
    await up("brief");
    await lab.removeTenant("brief");
    expect(await engine.listNetworks({ filters: { name: [lab.name("tenant-brief")] } })).toEqual(
      [],
    );
    const answer = await until("its host to be unknown", async () => {
      const last = await lab.client.askAnew(lab.host("brief"), "/");
      return last.status === 421 ? last : undefined;
    });
    expect(answer.body).toContain("Nothing here");
  });

  it("applies the process limit of the label", async () => {
    const limit = await until("the limit", async () => {
      const { HostConfig } = await lab.container("tenant-acme").inspect();
      return HostConfig.PidsLimit;
    });
    expect(limit).toBe(60);
  });
});

describe("the edge itself", () => {
  it("refuses unknown hosts, the bare address included", async () => {
    expect(await lab.client.ask(lab.host("unknown"), "/").then((answer) => answer.status)).toBe(
      421,
    );
    const bare = await lab.client.ask(lab.host("acme"), "/", { headers: { host: "127.0.0.1" } });
    // The edge's own answers as well say how long a connection is kept.
    expect(bare).toMatchObject({ status: 421, headers: { "keep-alive": "timeout=10" } });
  });

  it("takes no list of hosts for one of them", async () => {
    const acme = lab.host("acme");
    for (const host of [`evil.example,${acme}`, `${acme},evil.example`, `evil.example, ${acme}`]) {
      const answer = await lab.client.ask(acme, "/", { headers: { host } });
      expect([400, 421], host).toContain(answer.status);
    }
  });

  it("takes any case, a port and a final dot in the host name", async () => {
    for (const host of [lab.host("ACME"), `${lab.host("acme")}:1`, `${lab.host("acme")}.`]) {
      const answer = await lab.client.ask(lab.host("acme"), "/", { headers: { host } });
      expect([host, answer.status]).toEqual([host, 200]);
    }
  });

  it("redirects plain HTTP to the public port with 308", async () => {
    const answer = await lab.client.askPlain(lab.host("acme"), "/a?b=c");
    const location = `https://${lab.host("acme")}:${lab.client.https}/a?b=c`;
    expect(answer).toMatchObject({ status: 308, headers: { location } });
    expect((await lab.client.askPlain("unknown.test", "/")).status).toBe(421);
  });

  it("offers HTTP/2, takes TLS 1.2, and verifies", async () => {
    const shown = await lab.client.certificate(lab.host("acme"), { maxVersion: "TLSv1.2" });
    expect(shown.protocol).toBe("h2");
    expect(shown.certificate.subjectAltName).toBe(`DNS:${lab.domain}, DNS:*.${lab.domain}`);
  });

  it.each(["TLSv1", "TLSv1.1"] as const)(
    "takes no %s from who speaks nothing newer",
    async (version) => {
      // OpenSSL offers it at this level only; else the refusal would be the client's own.
      const options = { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" };
      const shown = lab.client.connection(lab.host("acme"), options);
      await expect(shown).rejects.toMatchObject({ code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" });
    },
  );

  it("tells browsers to stay with HTTPS for two years, with answers of its own too", async () => {
    for (const [label, status] of [
      ["acme", 200],
      ["unknown", 421],
    ] as const) {
      const answer = await lab.client.ask(lab.host(label), "/");
      const header = answer.headers["strict-transport-security"];
      expect([answer.status, header]).toEqual([status, "max-age=63072000"]);
    }
  });

  it("takes only so many connections of one source, and goes on serving others", async () => {
    lab.client.close();
    const held: TLSSocket[] = [];
    let refused = 0;
    while (held.length + refused < CONNECTIONS + 20) {
      const socket = await lab.client.connection(lab.host("acme")).catch(() => undefined);
      if (socket) held.push(socket);
      else refused += 1;
    }
    const edge = { host: await lab.address("edge", "tenant-acme"), port: 8443 };
    const asked = { ...edge, rejectUnauthorized: false, headers: { host: lab.host("acme") } };
    const say = "(answer) => { console.log(answer.statusCode); process.exit(); }";
    const script = `require("https").get(${JSON.stringify(asked)}, ${say})`;
    const served = await lab.run("tenant-acme", ["node", "-e", script]);
    for (const socket of held) socket.destroy();
    // Connections of earlier tests may not have been gone yet.
    expect(held.length).toBeLessThanOrEqual(CONNECTIONS);
    expect(held.length).toBeGreaterThan(CONNECTIONS / 2);
    expect(served.trim()).toBe("200");
    const again = () => lab.client.askAnew(lab.host("acme"), "/").catch(() => undefined);
    await until("it to be served again", async () => (await again())?.status === 200);
  });

  it("caps bodies with a length and bodies without", async () => {
    const send = (body: string | string[]) =>
      lab.client.askAnew(lab.host("acme"), "/", { method: "POST", body });
    expect(JSON.parse((await send("x".repeat(30_000))).body).bytes).toBe(30_000);
    expect((await send("x".repeat(30_001))).status).toBe(413);
    expect(JSON.parse((await send(["x".repeat(5000), "y".repeat(5000)])).body).bytes).toBe(10_000);
    expect((await send(["x".repeat(12_000), "y".repeat(12_000)])).status).toBe(411);
    const smuggled = await lab.client.askAnew(lab.host("acme"), "/", {
      method: "POST",
      headers: { upgrade: "websocket", connection: "upgrade" },
      body: ["x".repeat(30_000)],
    });
    expect(smuggled.status).toBe(400);
  });

  it("takes a limit of a route's own at run time", async () => {
    await lab.setTenantRoute("acme", {
      knobs: { bodyLimitBytes: 100 },
      aliases: ["shop.example.test"],
    });
    await until("the smaller limit", async () => {
      const body = "x".repeat(101);
      const answer = await lab.client.askAnew(lab.host("acme"), "/", { method: "POST", body });
      return answer.status === 413;
    });
  });

  it("limits logins more strictly than requests", async () => {
    const login = (path: string) =>
      lab.client.ask(lab.host("acme"), path, { method: "POST", body: "x" });
    const spellings = ["", "", "/", "?a", "/?a"].map((end) => `/auth/token${end}`);
    const paths = spellings.map((path, at) => (at % 2 ? path.toUpperCase() : path));
    const statuses: number[] = [];
    for (const path of paths) statuses.push((await login(path)).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect((await lab.client.ask(lab.host("acme"), "/")).status).toBe(200);
  });

  it("limits the requests of one source", async () => {
    await lab.addTenant("calm");
    await lab.setTenantRoute("calm", { knobs: { rateLimitPerSecond: 2 } });
    await until(
      "the lower rate",
      async () => {
        const answer = await lab.client.ask(lab.host("calm"), "/");
        return answer.status === 429 && answer.headers["retry-after"] === "10";
      },
      { every: 20 },
    );
    expect((await lab.client.ask(lab.host("acme"), "/")).status).toBe(200);
  });

  it("tells its health and metrics on the loopback only", async () => {
    await lab.run("edge", ["/redfleet/health"]);
    const script =
      "exec 3<>/dev/tcp/127.0.0.1/8404; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3";
    expect(await lab.run("edge", ["bash", "-c", script])).toContain(
      "haproxy_process_uptime_seconds",
    );
  });
});

describe("requests that nobody sends by accident", () => {
  const status = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
  const send = (lines: string[], body = "") => {
    const head = ["GET / HTTP/1.1", `Host: ${lab.host("acme")}`, "Connection: close"];
    return lab.client.raw(lab.host("acme"), [...head, ...lines, "", body].join("\r\n"));
  };

  it.each([
    ["two lengths", ["Content-Length: 1", "Content-Length: 2"]],
    ["two hosts", ["Host: evil.example"]],
    ["a name with a space before its colon", ["Content-Length : 1"]],
    ["a transfer coding that is none", ["Transfer-Encoding: xchunked"]],
    ["a hundred and fifty headers", Array.from({ length: 150 }, (_, at) => `X-${at}: x`)],
    ["a header of 64 KiB", [`X-Long: ${"x".repeat(65_536)}`]],
  ])("are refused: %s", async (_, lines) => {
    const refused = status(await send(lines));
    expect(refused).toBeGreaterThanOrEqual(400);
    expect(refused).toBeLessThan(500);
  });

  it("have one length: chunks win, and the other is gone", async () => {
    const lines = ["Content-Length: 4", "Transfer-Encoding: chunked"];
    const answer = await send(lines, "3\r\nabc\r\n0\r\n\r\n");
    const { headers, bytes } = JSON.parse(
      answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1),
    );
    expect(bytes).toBe(3);
    expect(headers["content-length"]).toBeUndefined();
  });

  it("are refused when the address and the host differ, or the path is endless", async () => {
    const host = lab.host("acme");
    const other = `GET https://evil.example/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    expect(status(await lab.client.raw(host, other))).toBe(400);
    const long = `GET /${"x".repeat(65_536)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    expect(status(await lab.client.raw(host, long))).toBe(400);
  });

  it("are told to go on when they ask before a body", async () => {
    const answer = await send(["Expect: 100-continue", "Content-Length: 2"], "ab");
    expect(answer).toMatch(/^HTTP\/1\.1 100 /);
    expect(answer).toContain('"bytes":2');
  });

  it("are cut off when they never come to an end", async () => {
    const host = lab.host("acme");
    expect(status(await lab.client.raw(host, `GET / HTTP/1.1\r\nHost: ${host}\r\nX-`))).toBe(408);
  });
});
