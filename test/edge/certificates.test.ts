import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { problems } from "../../images/agent/certificates/given-files.ts";
import {
  issueAuthority,
  issueLeaf,
  permittedNames,
} from "../../images/agent/certificates/issue.ts";
import {
  type CertificateInput,
  covers,
  planCertificates,
} from "../../images/agent/certificates/plan.ts";
import { until } from "../support/wait.ts";
import { roundTrip } from "./support/edge-client.ts";
import { EdgeLab } from "./support/edge-lab.ts";

const day = 86_400_000;
const now = new Date("2026-06-01T00:00:00Z");
const after = (days: number) => new Date(now.getTime() + days * day);
const leaf = (hosts: string[], left: number) => ({
  hosts,
  notBefore: after(left - 90),
  notAfter: after(left),
  trusted: true,
});
const wildcard = ["example.test", "*.example.test"];
const settled: CertificateInput = {
  domain: "example.test",
  hosts: ["acme.example.test"],
  now,
  authority: { names: ["example.test"], notAfter: after(3000) },
  leaves: { platform: leaf(wildcard, 60), aliases: leaf(["example.test"], 60) },
};
const reasons = (input: CertificateInput) => {
  const plan = planCertificates(input);
  return [plan.authority.issue, ...plan.leaves.map((one) => one.issue)];
};

describe("the plan", () => {
  it("issues everything at first, and then leaves it alone", () => {
    const fresh = { ...settled, authority: undefined, leaves: {} };
    expect(reasons(fresh)).toEqual(["there is none", "there is none", "there is none"]);
    expect(reasons(settled)).toEqual([undefined, undefined, undefined]);
  });

  it("renews when a third of the life is left", () => {
    const aged = (left: number) => ({
      ...settled,
      leaves: { ...settled.leaves, platform: leaf(wildcard, left) },
    });
    expect(reasons(aged(31))[1]).toBeUndefined();
    expect(reasons(aged(29))[1]).toBe("a third of its life is left");
    expect(reasons(aged(-1))[1]).toBe("a third of its life is left");
  });

  it("names deeper hosts one by one, because no wildcard covers them", () => {
    const plan = planCertificates({ ...settled, hosts: ["a.b.example.test", "c.example.test"] });
    expect(plan.leaves[0]).toMatchObject({ hosts: [...wildcard, "a.b.example.test"] });
    expect(plan.leaves[0]?.issue).toBe("it lacks a.b.example.test");
  });

  it("widens the authority for an alias outside, and never narrows it", () => {
    const plan = planCertificates({ ...settled, hosts: ["shop.test"] });
    expect(plan.authority).toMatchObject({ names: ["example.test", "shop.test"] });
    expect(plan.authority.issue).toBe("it may not speak for shop.test");
    const wide = { names: ["example.test", "shop.test"], notAfter: after(3000) };
    expect(planCertificates({ ...settled, authority: wide }).authority.issue).toBeUndefined();
  });

  it("covers what a browser takes for covered", () => {
    expect(covers(wildcard, "example.test")).toBe(true);
    expect(covers(wildcard, "acme.example.test")).toBe(true);
    expect(covers(wildcard, "a.b.example.test")).toBe(false);
    expect(covers(wildcard, "test")).toBe(false);
  });
});

describe("what is issued", () => {
  const folder = mkdtempSync(join(tmpdir(), "redfleet-test-"));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const verify = (authority: string, certificate: string) => {
    try {
      const files = [file("ca.pem", authority), file("leaf.pem", certificate)] as const;
      return execFileSync("openssl", ["verify", "-CAfile", ...files], { stdio: "pipe" }).toString();
    } catch (error) {
      return String((error as { stderr: Buffer }).stderr);
    }
  };
  afterAll(() => rmSync(folder, { recursive: true }));

  it("verifies, and a stolen authority cannot speak for another name", async () => {
    const authority = await issueAuthority("test", ["example.test"], new Date());
    const good = await issueLeaf(authority, { hosts: wildcard, days: 90 }, new Date());
    const bad = await issueLeaf(authority, { hosts: ["bank.test"], days: 90 }, new Date());
    expect(verify(authority.certificate, good.certificate)).toContain("OK");
    expect(verify(authority.certificate, bad.certificate)).toContain("permitted subtree violation");
    expect(new X509Certificate(good.certificate).subjectAltName).toBe(
      "DNS:example.test, DNS:*.example.test",
    );
  });

  it("is trusted by whoever has either certificate of a widened authority", async () => {
    const first = await issueAuthority("test", ["example.test"], new Date());
    const names = ["example.test", "shop.test"];
    const second = await issueAuthority("test", names, new Date(), first.key);
    expect(permittedNames(second.certificate)).toEqual(names);
    const inside = await issueLeaf(second, { hosts: wildcard, days: 90 }, new Date());
    const outside = await issueLeaf(second, { hosts: ["shop.test"], days: 90 }, new Date());
    expect(verify(first.certificate, inside.certificate)).toContain("OK");
    expect(verify(second.certificate, outside.certificate)).toContain("OK");
  });

  it("is judged before it is used when a person gave it", async () => {
    const authority = await issueAuthority("test", ["example.test"], new Date());
    const good = await issueLeaf(authority, { hosts: wildcard, days: 90 }, new Date());
    const next = await issueLeaf(authority, { hosts: wildcard, days: 90 }, new Date());
    const judge = (
      certificate: string,
      key: string,
      hosts = ["acme.example.test"],
      at = new Date(),
    ) => problems(certificate, key, hosts, at).join();
    expect(judge(good.certificate, good.key)).toBe("");
    expect(judge(good.certificate, next.key)).toContain("key belongs to another");
    expect(judge(good.certificate, good.key, ["b.test"])).toContain("does not cover b.test");
    const later = new Date(Date.now() + 91 * day);
    expect(judge(good.certificate, good.key, undefined, later)).toContain("expired");
    expect(judge("", "")).toContain("cannot be read");
  });
});

describe("renewal in a running edge", () => {
  // 160 s and the five minutes before its birth: a third of that is left after seven seconds.
  const lab = new EdgeLab();
  beforeAll(() => lab.open({ tls: { mode: "ownCa", leafDays: 160 / 86_400 } }));
  afterAll(() => lab.close());

  it("happens by itself, before the end, and breaks no connection", async () => {
    await lab.addTenant("acme");
    const host = lab.host("acme");
    await until("the tenant", async () => (await lab.client.ask(host, "/")).status === 200);
    const socket = await lab.client.socket(host, "/");
    const { certificate: first } = await lab.client.certificate(host);
    const seen = await until(
      "another certificate",
      async () => {
        const { certificate } = await lab.client.certificate(host);
        return certificate.serialNumber === first.serialNumber ? undefined : certificate;
      },
      { seconds: 120 },
    );
    expect(Date.now()).toBeLessThan(new Date(first.validTo).getTime());
    expect(new Date(seen.validTo).getTime()).toBeGreaterThan(new Date(first.validTo).getTime());
    expect(await roundTrip(socket, "still")).toBe("tenant-acme:still");
    socket.terminate();
    expect(await lab.logged("reloaded the proxy")).toEqual([]);
  });
});

describe("given files", () => {
  const lab = new EdgeLab();
  let authority: Awaited<ReturnType<typeof issueAuthority>>;
  const files = (pair: { certificate: string; key: string }) => ({
    "tls.crt": pair.certificate,
    "tls.key": pair.key,
  });
  beforeAll(async () => {
    authority = await issueAuthority("given", [lab.domain], new Date());
    const pair = await issueLeaf(
      authority,
      { hosts: [lab.domain, `*.${lab.domain}`], days: 90 },
      new Date(),
    );
    await lab.open({ tls: { mode: "files" } }, files(pair), authority.certificate);
  });
  afterAll(() => lab.close());

  it("serve, and the last good ones stay when their successors are bad", async () => {
    const host = lab.host("nobody");
    const { certificate: first } = await lab.client.certificate(host);
    const wrong = await issueLeaf(
      authority,
      { hosts: [`a.b.${lab.domain}`], days: 90 },
      new Date(),
    );
    await lab.placeFiles(files(wrong));
    await lab.addTenant("acme");
    const rejected = "the given certificate is not used, the last good one stays";
    await until("the refusal", async () => (await lab.logged(rejected)).length > 0);
    const still = (await lab.client.certificate(host)).certificate;
    expect(still.serialNumber).toBe(first.serialNumber);
    const next = await issueLeaf(
      authority,
      { hosts: [lab.domain, `*.${lab.domain}`], days: 90 },
      new Date(),
    );
    await lab.placeFiles(files(next));
    await lab.addTenant("globex");
    await until("the successor", async () => {
      const { certificate } = await lab.client.certificate(host);
      return certificate.serialNumber === new X509Certificate(next.certificate).serialNumber;
    });
  });
});
