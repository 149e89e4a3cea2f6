import { beforeAll, describe, expect, test, vi } from "vitest";
import { formatViolations, violations } from "../../policy/rules.ts";
import type { Registered } from "./support/recorder.ts";
import { dockerGraph, EXAMPLES, example } from "./support/stacks.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const CONTAINER = "docker:index/container:Container";

describe.each(Object.keys(EXAMPLES))("the graph of %s", (name) => {
  let graph: Registered[];
  beforeAll(async () => {
    graph = await dockerGraph(example(name));
  });

  test("has no URN twice (mocks accept that, the engine does not)", () => {
    const urns = graph.map(({ urn }) => urn);
    expect(urns).toEqual([...new Set(urns)]);
  });

  test("has no container, network or volume name twice", () => {
    const names = graph
      .filter(({ type }) => type.startsWith("docker:"))
      .map(({ type, inputs }) => `${type} ${inputs.name}`)
      .filter((entry) => !entry.includes("node-red:"));
    expect(names).toEqual([...new Set(names)]);
  });

  test("hangs under one platform, every child named after its parent", () => {
    const names = new Map(graph.map(({ self, name: own }) => [self, own]));
    const strays = graph.filter(({ parent, name: own, type }) => {
      if (type === "redfleet:index:Platform") return false;
      const above = names.get(parent);
      return above === undefined || !own.startsWith(above);
    });
    expect(strays.map(({ urn }) => urn)).toEqual([]);
  });

  test("satisfies the policy", () => {
    const { confirmDestroy = [] } = example(name);
    const found = graph.flatMap((resource) =>
      violations({ ...resource, props: resource.inputs }, { confirmDestroy }),
    );
    expect(formatViolations(found)).toBe(formatViolations([]));
  });

  test("holds no secret in clear", () => {
    const text = JSON.stringify(graph.map(({ inputs }) => inputs));
    expect(text).not.toMatch(/password-of-|bytes-of-|value-of-/);
  });

  test("deletes every container before it makes its successor", () => {
    const containers = graph.filter(({ type }) => type === CONTAINER);
    expect(containers.every(({ deleteBeforeReplace }) => deleteBeforeReplace)).toBe(true);
  });

  test("builds an image before it lets go of the old one", () => {
    const images = graph.filter(({ type }) => type.endsWith(":RemoteImage"));
    // Deleted first, it would take everything that runs it down at once, for as long as it builds.
    expect(images.every(({ deleteBeforeReplace }) => deleteBeforeReplace === false)).toBe(true);
  });

  test("never replaces a volume with data for a label", () => {
    const kept = graph.filter(({ retainOnDelete }) => retainOnDelete);
    expect(kept.every(({ ignoreChanges }) => ignoreChanges.includes("labels"))).toBe(true);
  });
});

/** What a container waits for, by name. */
function waitsFor(graph: readonly Registered[], name: string): string[] {
  const found = graph.find((resource) => resource.type === CONTAINER && resource.name === name);
  return (found?.dependsOn ?? [])
    .filter((urn) => urn.includes(CONTAINER))
    .map((urn) => urn.split("::").at(-1) ?? "")
    .filter((other) => !other.endsWith(".files"))
    .sort();
}

test("members come one after the other, then the job, databases, runtimes", async () => {
  const graph = await dockerGraph(example("dev"));
  expect({
    second: waitsFor(graph, "dev-mongodb-1"),
    third: waitsFor(graph, "dev-mongodb-2"),
    init: waitsFor(graph, "dev-mongodb.init"),
    sentinel: waitsFor(graph, "dev-sentinel-0"),
    edge: waitsFor(graph, "dev-edge"),
    database: waitsFor(graph, "dev-cluster-main.job"),
    editor: waitsFor(graph, "dev-cluster-main.editor"),
    replica: waitsFor(graph, "dev-cluster-main.replica-1"),
    tenant: waitsFor(graph, "dev-tenant-acme"),
    tenantDatabase: waitsFor(graph, "dev-tenant-acme.job"),
  }).toMatchInlineSnapshot(`
    {
      "database": [
        "dev-agent",
        "dev-mongodb.init",
      ],
      "edge": [
        "dev-agent",
      ],
      "editor": [
        "dev-cluster-main.job",
        "dev-cluster-main.keep-secret",
        "dev-cluster-main.valkey-user",
      ],
      "init": [
        "dev-mongodb-0",
        "dev-mongodb-1",
        "dev-mongodb-2",
      ],
      "replica": [
        "dev-cluster-main.replica-0",
      ],
      "second": [
        "dev-mongodb-0",
      ],
      "sentinel": [
        "dev-valkey-0",
        "dev-valkey-1",
        "dev-valkey-2",
      ],
      "tenant": [
        "dev-tenant-acme.job",
      ],
      "tenantDatabase": [
        "dev-agent",
        "dev-mongodb.init",
      ],
      "third": [
        "dev-mongodb-1",
      ],
    }
  `);
});

test("where nothing runs yet, members wait for no other, and all else for what it needs", async () => {
  const graph = await dockerGraph(example("dev"), "dev", "at once");
  const members = ["mongodb-0", "mongodb-2", "valkey-0", "valkey-2", "sentinel-0", "sentinel-2"];
  for (const member of members) expect(waitsFor(graph, `dev-${member}`), member).toEqual([]);
  const all = [0, 1, 2].map((member) => `dev-mongodb-${member}`);
  expect(waitsFor(graph, "dev-mongodb.init")).toEqual(all);
  const jobs = ["job", "keep-secret", "valkey-user"].map((job) => `dev-cluster-main.${job}`);
  for (const member of ["editor", "replica-0", "replica-2"]) {
    expect(waitsFor(graph, `dev-cluster-main.${member}`), member).toEqual(jobs);
  }
});

test("members with TLS wait for the agent, who issues their certificates", async () => {
  const graph = await dockerGraph(example("production"));
  expect(waitsFor(graph, "dev-mongodb-0")).toEqual(["dev-agent"]);
  expect(waitsFor(graph, "dev-valkey-0")).toEqual(["dev-agent"]);
  expect(waitsFor(graph, "dev-agent")).toEqual([]);
});

test("a document store of somebody else leaves no member, and is reached where there is a way out", async () => {
  const graph = await dockerGraph(example("external"));
  expect(graph.filter(({ name }) => name.startsWith("dev-mongodb"))).toEqual([]);
  const job = graph.find(({ type, name }) => type === CONTAINER && name === "dev-cluster-main.job");
  expect(JSON.stringify(job?.inputs.networksAdvanced)).toContain('"dev-edge"');
  expect(waitsFor(graph, "dev-cluster-main.job")).toEqual(["dev-agent"]);
  expect(waitsFor(graph, "dev-tenant-acme.job")).toEqual(["dev-agent"]);
  const uploads = (id: string) =>
    graph
      .filter(({ name, type }) => type === CONTAINER && name === `${id}.files`)
      .flatMap(({ inputs }) => (inputs.uploads as { file: string }[]).map(({ file }) => file));
  const password = "/run/redfleet/database-password";
  expect(uploads("dev-tenant-globex.job")).toContain(password);
  expect(uploads("dev-tenant-acme.job")).not.toContain(password);
  expect(uploads("dev-tenant-acme")).toContain("/run/redfleet/mongodb-ca.crt");
});
