import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { PlatformInput } from "../../config/schema.ts";
import { CertificateFolder } from "../support/certificates.ts";
import { ALIAS, everyKey } from "../support/every-key.ts";
import { callLines } from "./support/lines.ts";
import { dockerGraph, memoryCalls } from "./support/stacks.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const folder = new CertificateFolder();
afterAll(() => folder.remove());

let platform: PlatformInput;
beforeAll(async () => {
  const domain = "every.example.org";
  const tls = await folder.issue("edge", [domain, `*.${domain}`, ALIAS]);
  const registry = { url: "https://npm.example.org/of/ours", ca: tls.authority };
  const small = { mongodb: { members: 1 }, valkey: { replicas: 0, sentinels: 0 } };
  platform = { domain, dev: true, ...small, ...everyKey({ registry, tls }) } as PlatformInput;
});

test("every key reaches the environment or a file of what it is for", async () => {
  const calls = await memoryCalls(platform);
  await expect(callLines(calls)).toMatchFileSnapshot("snapshots/every-key.memory.txt");
});

test("a template's image is built on the platform's, and its tenants run it", async () => {
  const graph = await dockerGraph(platform);
  const inputs = (name: string) =>
    graph.find((one) => one.name === name && !one.type.endsWith(":Volume"))?.inputs ?? {};
  const image = inputs("dev-image-template-workshop");
  expect(image.name).toMatch(/^redfleet\/template-workshop:[0-9a-f]{16}$/);
  expect(image.build).toMatchObject({
    context: "test/support/workshop",
    buildArgs: { BASE: inputs("dev-image-node-red-4").name },
  });
  expect(inputs("dev-tenant-solo").image).toBe("sha256:dev-image-template-workshop");
  expect(inputs("dev-cluster-main.editor").image).toBe("sha256:dev-image-node-red-5");
});
