import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatProblem } from "../../../config/errors.ts";
import { parsePlatform } from "../../../config/parse.ts";
import { issueAuthority, issueLeaf } from "../../../images/agent/certificates/issue.ts";
import { withSections } from "./parse.ts";

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "redfleet-tls-"));
  make("good", "DNS:fleet.example.org,DNS:*.fleet.example.org");
  make("narrow", "DNS:main.fleet.example.org");
  const encrypt = ["pkey", "-in", at("good.key"), "-aes256", "-passout", "pass:x"];
  execFileSync("openssl", [...encrypt, "-out", at("locked.key")], { stdio: "ignore" });
});

afterAll(() => rmSync(folder, { recursive: true }));

function make(name: string, names: string): void {
  const request = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
  ];
  const subject = ["-subj", "/CN=test", "-addext", `subjectAltName=${names}`];
  const files = ["-keyout", at(`${name}.key`), "-out", at(`${name}.crt`)];
  execFileSync("openssl", [...request, ...subject, ...files], { stdio: "ignore" });
}

function problems(certificate: string, key: string): string[] {
  const tls = { mode: "files", certificate: at(certificate), key: at(key) };
  const parsed = parsePlatform(withSections({ edge: { tls } }), {
    stack: "dev",
    secretNames: [],
  });
  return parsed.problems.map(formatProblem);
}

test("a wildcard certificate with its key", () => {
  expect(problems("good.crt", "good.key")).toEqual([]);
});

test("a key of another certificate", () => {
  expect(problems("good.crt", "narrow.key")).toEqual([
    "edge.tls.key: belongs to the certificate; use the matching key [REDFLEET_CFG_TLS]",
  ]);
});

test("an encrypted key", () => {
  expect(problems("good.crt", "locked.key")).toEqual([
    "edge.tls.key: a PEM key without passphrase; decrypt or convert it [REDFLEET_CFG_TLS]",
  ]);
});

test("a certificate that misses a host names every host that it misses", () => {
  expect(problems("narrow.crt", "narrow.key")).toEqual([
    'edge.tls.certificate: got "DNS:main.fleet.example.org"; covers acme.fleet.example.org (tenants.acme); reissue it [REDFLEET_CFG_TLS]',
    'edge.tls.certificate: got "DNS:main.fleet.example.org"; covers globex.fleet.example.org (tenants.globex); reissue it [REDFLEET_CFG_TLS]',
  ]);
});

const OR_THE_CLOCK = "use one that is valid now, or set the clock of this machine right";

test.each([
  ["has expired", 2020, "Jan 31 00:00:00 2020 GMT", "not expired; renew it"],
  ["is not valid yet", 2099, "Dec 31 23:55:00 2098 GMT", `valid already; ${OR_THE_CLOCK}`],
])("a certificate that %s", async (_, year, date, rest) => {
  const then = new Date(Date.UTC(year, 0));
  const authority = await issueAuthority("test", [], then);
  const one = await issueLeaf(authority, { hosts: ["*.fleet.example.org"], days: 30 }, then);
  writeFileSync(at("dated.crt"), one.certificate);
  writeFileSync(at("dated.key"), one.key);
  expect(problems("dated.crt", "dated.key")).toEqual([
    `edge.tls.certificate: got "${date}"; ${rest} [REDFLEET_CFG_TLS]`,
  ]);
});

test("a file that is no certificate", () => {
  expect(problems("good.key", "good.key")).toEqual([
    "edge.tls.certificate: a PEM certificate; convert it to PEM [REDFLEET_CFG_TLS]",
  ]);
});
