import { beforeAll, expect, test, vi } from "vitest";
import type { PlatformInput } from "../../config/schema.ts";
import type { Registered } from "./support/recorder.ts";
import { dockerGraph, example } from "./support/stacks.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let before: Registered[];
const dev = example("dev");

/** What is in an image is not what these tests are about; somebody may be editing one meanwhile. */
const DIGEST = /redfleet\/[a-z-]+:[0-9a-f]{16}/g;

beforeAll(async () => {
  before = await dockerGraph(dev);
});

/** Names of resources that are new, gone, or have other inputs or options. */
async function changes(platform: PlatformInput, from = before) {
  const after = await dockerGraph(platform);
  const old = new Map(from.map((resource) => [resource.urn, resource]));
  const now = new Map(after.map((resource) => [resource.urn, resource]));
  const text = ({ inputs, protect, retainOnDelete }: Registered) =>
    JSON.stringify([inputs, protect, retainOnDelete]).replaceAll(DIGEST, "<digest>");
  const label = ({ type, name }: Registered) => `${type.split(":").at(-1)} ${name}`;
  return {
    created: after
      .filter(({ urn }) => !old.has(urn))
      .map(label)
      .sort(),
    deleted: from
      .filter(({ urn }) => !now.has(urn))
      .map(label)
      .sort(),
    changed: after
      .filter((resource) => {
        const was = old.get(resource.urn);
        return was !== undefined && text(was) !== text(resource);
      })
      .map(label)
      .sort(),
  };
}

const withTenants = (tenants: PlatformInput["tenants"]) => ({
  ...dev,
  tenants: { ...dev.tenants, ...tenants },
});

test("nothing changed: nothing to do", async () => {
  expect(await changes(dev)).toEqual({ created: [], deleted: [], changed: [] });
});

test("a new tenant creates what is named after it, and touches nothing else", async () => {
  const { created, deleted, changed } = await changes(
    withTenants({ initech: { template: "nodered-4", aliases: ["tps"] } }),
  );
  expect({ deleted, changed }).toEqual({ deleted: [], changed: [] });
  expect(created.every((entry) => entry.includes(" dev-tenant-initech"))).toBe(true);
  expect(created).toContain("Container dev-tenant-initech");
});

test("a tenant that goes takes only its own resources with it", async () => {
  const { globex: _, ...rest } = dev.tenants ?? {};
  const { created, deleted, changed } = await changes({ ...dev, tenants: rest });
  expect({ created, changed }).toEqual({ created: [], changed: [] });
  expect(deleted.every((entry) => entry.includes(" dev-tenant-globex"))).toBe(true);
});

test("a stopped tenant loses its container and keeps network, data and route", async () => {
  const stopped = withTenants({ acme: { template: "nodered-5", state: "stopped" } });
  expect(await changes(stopped)).toEqual({
    created: [],
    deleted: [
      "Container dev-tenant-acme",
      "Container dev-tenant-acme.files",
      "Volume dev-tenant-acme.files",
    ],
    changed: ["Volume dev-tenant-acme.route"],
  });
});

test("an alias changes the route alone", async () => {
  const aliased = withTenants({ acme: { template: "nodered-5", aliases: ["shop"] } });
  expect(await changes(aliased)).toEqual({
    created: [],
    deleted: [],
    changed: ["Volume dev-tenant-acme.route"],
  });
});

test("more memory changes that container alone", async () => {
  const bigger = withTenants({ acme: { template: "nodered-5", memory: "512 MB" } });
  expect(await changes(bigger)).toEqual({
    created: [],
    deleted: [],
    changed: ["Container dev-tenant-acme"],
  });
});

test("a limit of the edge is the agent's business: the proxy goes on", async () => {
  const { created, deleted, changed } = await changes({
    ...dev,
    edge: { ...dev.edge, connectionsPerSource: 50 },
  });
  expect({ created, deleted }).toEqual({ created: [], deleted: [] });
  expect(changed).toEqual(["Container dev-agent", "Container dev-agent.files"]);
});

test.each([5, 2])("scaling to %i replicas touches only replicas that come or go", async (count) => {
  const { created, deleted, changed } = await changes({
    ...dev,
    clusters: { main: { apiReplicas: count } },
  });
  expect(changed).toEqual([]);
  for (const entry of [...created, ...deleted]) {
    expect(entry).toMatch(/ dev-cluster-main\.replica-[0-9]/);
  }
});

test("more members run the initiation again and touch no client of the first three", async () => {
  const { created, deleted, changed } = await changes({ ...dev, mongodb: { members: 5 } });
  expect(deleted).toEqual([]);
  expect(changed).toEqual(["Container dev-mongodb.init"]);
  expect(created.every((entry) => / dev-mongodb-[34]/.test(entry))).toBe(true);
});

test("fewer members run the initiation again, and the data of those that go is kept", async () => {
  const five = await dockerGraph({ ...dev, mongodb: { members: 5 } });
  const { created, deleted, changed } = await changes(dev, five);
  expect(created).toEqual([]);
  expect(changed).toEqual(["Container dev-mongodb.init"]);
  expect(deleted).toEqual(
    [3, 4]
      .flatMap((member) => [
        `Container dev-mongodb-${member}`,
        `Container dev-mongodb-${member}.files`,
        `Volume dev-mongodb-${member}.data`,
        `Volume dev-mongodb-${member}.files`,
      ])
      .sort(),
  );
  // What is protected fails an `up` that removes it; what is retained stays on the engine.
  const data = five.filter(({ name }) => /mongodb-[34]\.data$/.test(name));
  const marks = data.map(({ protect, retainOnDelete }) => ({ protect, retainOnDelete }));
  expect(marks).toEqual(data.map(() => ({ protect: false, retainOnDelete: true })));
});

test("a setting of Valkey changes servers and Sentinels, and nobody else", async () => {
  const { created, deleted, changed } = await changes({ ...dev, valkey: { downAfterMs: 4000 } });
  expect({ created, deleted }).toEqual({ created: [], deleted: [] });
  expect(changed).toEqual(
    ["sentinel", "valkey"].flatMap((kind) => [0, 1, 2].map((n) => `Container dev-${kind}-${n}`)),
  );
});

test("a confirmed destruction turns the tenant's container into the job that erases", async () => {
  const { globex: _, ...rest } = dev.tenants ?? {};
  const { created, changed } = await changes({ ...dev, tenants: rest, confirmDestroy: ["globex"] });
  expect(created).toEqual([]);
  expect(changed).toEqual([
    "Container dev-tenant-globex",
    "Container dev-tenant-globex.files",
    "Volume dev-tenant-globex.data",
  ]);
});

test("a cluster that goes takes only its own resources with it", async () => {
  const { created, deleted, changed } = await changes({ ...dev, clusters: {} });
  expect({ created, changed }).toEqual({ created: [], changed: [] });
  expect(deleted.every((entry) => entry.includes(" dev-cluster-main"))).toBe(true);
  const kept = before.filter(
    ({ type, retainOnDelete }) => type.endsWith("Volume") && retainOnDelete,
  );
  expect(kept.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["dev-cluster-main.editor.data", "dev-cluster-main.credentials"]),
  );
});

test("a confirmed destruction turns a cluster's editor and Valkey user into jobs that erase", async () => {
  const { created, changed } = await changes({
    ...dev,
    clusters: {},
    confirmDestroy: ["clusters.main"],
  });
  expect(created).toEqual([]);
  expect(changed).toEqual([
    "Container dev-cluster-main.editor",
    "Container dev-cluster-main.editor.files",
    "Container dev-cluster-main.valkey-user",
    "Container dev-cluster-main.valkey-user.files",
    "Volume dev-cluster-main.credentials",
    "Volume dev-cluster-main.editor.data",
  ]);
});

test("a renamed tenant keeps its volume, network, database and passwords", async () => {
  const { acme, ...rest } = dev.tenants ?? {};
  const tenants = { ...rest, shop: { template: "nodered-5", ...acme, renamedFrom: "acme" } };
  expect(await changes({ ...dev, tenants })).toEqual({
    created: [],
    deleted: [],
    changed: [
      "Container dev-tenant-acme",
      "Container dev-tenant-acme.files",
      "Volume dev-tenant-acme.files",
      "Volume dev-tenant-acme.route",
    ],
  });
});

test("a renamed cluster keeps its volumes, database and secrets", async () => {
  const { main, ...rest } = dev.clusters ?? {};
  const clusters = { ...rest, fleet: { ...main, renamedFrom: "main" } };
  const { created, deleted, changed } = await changes({ ...dev, clusters });
  expect({ created, deleted }).toEqual({ created: [], deleted: [] });
  expect(changed.filter((entry) => !entry.endsWith(".files"))).toEqual([
    "Container dev-cluster-main.editor",
    "Container dev-cluster-main.replica-0",
    "Container dev-cluster-main.replica-1",
    "Container dev-cluster-main.replica-2",
    "Volume dev-cluster-main.route",
  ]);
});

test("two stacks share no name, address or port on the engine", async () => {
  const other = await dockerGraph(
    { ...dev, edge: { ...dev.edge, https: 9443, http: 9080 } },
    "e2e",
  );
  const names = (graph: readonly Registered[]) =>
    graph
      .filter(({ type }) => type.startsWith("docker:") && !type.includes("RemoteImage"))
      .map(({ type, inputs }) => `${type} ${inputs.name}`);
  const shared = names(other).filter((name) => names(before).includes(name));
  expect(shared).toEqual([]);
  const subnets = [before, other].map((graph) =>
    JSON.stringify(graph.find(({ name }) => name.endsWith("-network-data"))?.inputs.ipamConfigs),
  );
  expect(subnets[0]).not.toBe(subnets[1]);
});
