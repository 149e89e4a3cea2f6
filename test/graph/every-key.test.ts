import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { PlatformInput } from "../../config/schema.ts";
import { CertificateFolder } from "../support/certificates.ts";
import { ALIAS, everyKey } from "../support/every-key.ts";
import { givenKeys, referenceKeys } from "./support/keys.ts";
import { callLines } from "./support/lines.ts";
import { dockerGraph, EXAMPLES, example, memoryCalls } from "./support/stacks.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const folder = new CertificateFolder();
afterAll(() => folder.remove());

/** What a stack with stores of somebody else, or one cluster and tenant, cannot have beside the other keys. */
const REST = {
  target: { kind: "docker", socket: "/srv/docker.sock", memory: "1 GB", overcommit: true },
  mongodb: { members: 1, memory: "600 MB", cache: "288 MB", oplogMb: 1200 },
  valkey: {
    ...{ replicas: 1, sentinels: 3, minReplicasToWrite: 0, memory: "96 MB" },
    ...{ sentinelMemory: "48 MB", downAfterMs: 4000, failoverTimeoutMs: 12_000 },
  },
} as const;
const PALETTE = { allow: ["@acme/*"], deny: ["@acme/evil"], scripts: true };

let platform: PlatformInput;
beforeAll(async () => {
  const domain = "every.example.org";
  const tls = await folder.issue("edge", [domain, `*.${domain}`, ALIAS]);
  const registry = { url: "https://npm.example.org/of/ours", ca: tls.authority };
  const keys = everyKey({ registry, tls });
  platform = {
    ...{ domain, dev: true, ...REST, ...keys },
    clusters: { ...keys.clusters, orders: { renamedFrom: "sales", apiReplicas: 1 } },
    templates: { ...keys.templates, scripts: { nodeRed: 5, palette: PALETTE } },
    tenants: {
      ...keys.tenants,
      guest: {
        template: "nodered-5",
        renamedFrom: "visitor",
        palette: PALETTE,
        functionModules: ["left-pad"],
      },
      scripted: { template: "scripts" },
    },
  } as PlatformInput;
});

test("this stack and the examples have every key of the reference between them", () => {
  const known = new Set(referenceKeys());
  const stacks = [platform, ...Object.keys(EXAMPLES).map(example)];
  const given = new Set(stacks.flatMap((stack) => givenKeys(stack, known)));
  expect([...known].filter((key) => !given.has(key))).toEqual([]);
});

test("what a stack with every key asks of its target", async () => {
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
