import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AdminApi } from "../../../cli/edge/admin.ts";
import { askEdge, trustFile } from "../../../cli/edge/client.ts";
import { CertificateFolder } from "../../support/certificates.ts";
import { ROOT } from "../../support/process.ts";

const HOST = "main.example.test";

const folder = new CertificateFolder();
let server: Server;
let given: { certificate: string; key: string };
let other: { certificate: string; key: string };

beforeAll(async () => {
  [given, other] = [await folder.issue("given", [HOST]), await folder.issue("other", [HOST])];
  const pair = { cert: readFileSync(given.certificate), key: readFileSync(given.key) };
  server = createServer(pair, (_request, response) => response.end("served"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(() => {
  server.close();
  folder.remove();
});

/** Asks the server as the edge of a platform with certificates from files. */
function ask(files: typeof given, ownCa: string | null = null) {
  const { certificate, key } = files;
  const trust = trustFile({ mode: "files", certificate, key }, ownCa);
  const { port } = server.address() as AddressInfo;
  return askEdge({ address: "127.0.0.1", trustFile: trust }, new URL(`https://${HOST}:${port}/`));
}

test("a given certificate is trusted itself, although nobody knows its authority", async () => {
  expect(await ask(given)).toMatchObject({ status: 200, body: "served" });
});

test("a given certificate is found below the project, wherever the command runs", () => {
  const tls = { mode: "files", certificate: "certificates/edge.crt", key: "edge.key" } as const;
  expect(trustFile(tls, null)).toBe(join(ROOT, "certificates/edge.crt"));
});

test("the authority that the platform had before files were given does not count", async () => {
  expect(await ask(given, other.certificate)).toMatchObject({ status: 200 });
});

test("an edge that serves another one than the given is told", async () => {
  await expect(ask(other)).rejects.toThrow(/certificate/);
});

test("an edge that is away is not taken for an engine that is", async () => {
  const admin = new AdminApi({ address: "127.0.0.1", trustFile: null }, "https://acme.test:1");
  await expect(admin.flows()).rejects.toMatchObject({
    what: "https://acme.test:1 does not answer at 127.0.0.1",
    why: expect.stringContaining("ECONNREFUSED"),
    fix: expect.stringContaining("npx redfleet status"),
  });
});
