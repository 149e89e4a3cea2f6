import { describe, expect, test } from "vitest";
import { formatViolations, judgePreview } from "../../../policy/gate.ts";
import { type Resource, TYPES } from "../../../policy/resource.ts";
import { RULES, violations } from "../../../policy/rules.ts";

const labels = (component: string) => [
  { label: "redfleet.component", value: component },
  { label: "redfleet.pids", value: "128" },
];

/** A container that satisfies every rule. */
const CONTAINER: Resource = {
  urn: "urn:pulumi:dev::redfleet::docker:index/container:Container::dev-tenant-acme",
  type: TYPES.container,
  name: "dev-tenant-acme",
  protect: false,
  retainOnDelete: false,
  props: {
    memory: 256,
    memorySwap: 256,
    labels: labels("tenant"),
    destroyGraceSeconds: 15,
    healthcheck: { tests: ["CMD", "true"] },
    wait: true,
    envs: ["REDFLEET_NAME=acme", "REDFLEET_MONGODB_URI_FILE=/run/redfleet/mongodb-uri"],
    readOnly: true,
    capabilities: { drops: ["ALL"] },
    securityOpts: ["no-new-privileges:true"],
    user: "1000:1000",
    mounts: [{ type: "volume", source: "dev-tenant-acme-data", target: "/data" }],
  },
};

const AGENT = {
  ...CONTAINER.props,
  labels: labels("agent"),
  user: "0:99",
  networkMode: "host",
  capabilities: { drops: ["ALL"], adds: ["CAP_NET_ADMIN"] },
  mounts: [{ type: "bind", source: "/var/run/docker.sock", target: "/var/run/docker.sock" }],
};

const container = (props: Record<string, unknown>): Resource => ({
  ...CONTAINER,
  props: { ...CONTAINER.props, ...props },
});
const image = (name: string): Resource => ({ ...CONTAINER, type: TYPES.image, props: { name } });
const volume = (component: string, kept: Partial<Resource>): Resource => ({
  ...CONTAINER,
  type: TYPES.volume,
  props: { labels: labels(component) },
  ...kept,
});

/** Rule, what satisfies it, what breaks it. */
const CASES: [rule: string, good: Resource[], bad: Resource[]][] = [
  [
    "image-by-digest",
    [image("redfleet/mongodb:0123456789abcdef"), image(`x@sha256:${"a".repeat(64)}`)],
    [image("mongo:latest"), image("mongo:6.0"), image("redfleet/mongodb")],
  ],
  [
    "limits-set",
    [container({}), container({ labels: undefined })],
    [
      container({ memory: undefined }),
      container({ memorySwap: 512 }),
      container({ labels: [{ label: "redfleet.component", value: "tenant" }] }),
    ],
  ],
  [
    "ports-only-at-the-edge",
    [container({ ports: [] }), container({ labels: labels("edge"), ports: [{ external: 443 }] })],
    [container({ labels: labels("mongodb"), ports: [{ external: 27017 }] })],
  ],
  [
    "grace-set",
    [container({}), container({ attach: true, destroyGraceSeconds: undefined })],
    [container({ destroyGraceSeconds: undefined }), container({ destroyGraceSeconds: 0 })],
  ],
  [
    "health-checked",
    [container({}), container({ attach: true, healthcheck: undefined })],
    [container({ healthcheck: undefined }), container({ wait: false })],
  ],
  [
    "no-secret-in-environment",
    [container({}), container({ envs: ["A_KEY_FILE=/run/redfleet/key"] })],
    [container({ envs: ["MONGODB_URI=mongodb://u:p@h"] }), container({ envs: ["API_TOKEN=x"] })],
  ],
  ["read-only-root", [container({})], [container({ readOnly: false })]],
  [
    "capabilities-dropped",
    [container({}), container(AGENT)],
    [
      container({ capabilities: undefined }),
      container({ capabilities: { drops: ["ALL"], adds: ["CAP_NET_ADMIN"] } }),
      container({ ...AGENT, capabilities: { drops: ["ALL"], adds: ["CAP_SYS_ADMIN"] } }),
    ],
  ],
  [
    "no-new-privileges",
    [container({})],
    [
      container({ securityOpts: [] }),
      container({ privileged: true }),
      container({ securityOpts: ["no-new-privileges:true", "seccomp=unconfined"] }),
    ],
  ],
  [
    "numeric-user",
    [container({}), container(AGENT)],
    [container({ user: "node" }), container({ user: "" }), container({ user: "0:0" })],
  ],
  [
    "socket-only-in-the-agent",
    [container({}), container(AGENT)],
    [
      container({ mounts: AGENT.mounts }),
      container({ networkMode: "host" }),
      container({ ...AGENT, mounts: [{ type: "bind", source: "/etc", target: "/etc" }] }),
    ],
  ],
  [
    "data-kept",
    [
      volume("mongodb", { protect: true }),
      volume("editor", { retainOnDelete: true }),
      volume("route", {}),
    ],
    [volume("mongodb", {}), volume("valkey", {})],
  ],
];

const broken = (resource: Resource) => violations([resource]).map(({ rule }) => rule);

describe.each(CASES)("%s", (rule, good, bad) => {
  test.each(good)("accepts %#", (resource) => expect(broken(resource)).toEqual([]));
  test.each(bad)("refuses %#", (resource) => expect(broken(resource)).toEqual([rule]));
});

test("every rule has a case", () => {
  expect(CASES.map(([rule]) => rule).sort()).toEqual(RULES.map(({ name }) => name).sort());
});

test("a container that only holds files is no process", () => {
  expect(broken(container({ start: false, user: "", readOnly: false }))).toEqual([]);
});

test("the gate judges what a preview leaves behind, not what it deletes", () => {
  const { urn, type, props } = container({ readOnly: false });
  const found = judgePreview({
    steps: [
      { op: "create", urn, newState: { type, inputs: props } },
      { op: "delete", urn: `${urn}-old` },
    ],
  });
  expect(formatViolations(found)).toBe(
    "dev-tenant-acme: may write to its root file system [read-only-root]",
  );
});
