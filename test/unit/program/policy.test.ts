import { describe, expect, test } from "vitest";
import { type Resource, TYPES } from "../../../policy/resource.ts";
import { formatViolations, RULES, violations } from "../../../policy/rules.ts";

const labels = (component: string, key = "acme") => [
  { label: "redfleet.component", value: component },
  { label: "redfleet.name", value: key },
  { label: "redfleet.pids", value: "128" },
];

const SEALED = "REDFLEET_SEAL_FILE=/run/seal/sealed.json";
const SEAL = { type: "volume", source: "dev-agent-seal", target: "/run/seal", readOnly: true };

/** A container that satisfies every rule. */
const CONTAINER: Resource = {
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
    envs: [SEALED, "REDFLEET_MONGODB_URI_FILE=/run/redfleet/mongodb-uri"],
    readOnly: true,
    capabilities: { drops: ["ALL"] },
    securityOpts: ["no-new-privileges:true"],
    user: "1000:1000",
    mounts: [{ type: "volume", source: "dev-tenant-acme-data", target: "/data" }, SEAL],
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
const volume = (component: string, kept: Partial<Resource>, name = "data"): Resource => ({
  ...CONTAINER,
  type: TYPES.volume,
  props: { name: `dev-${component}-${name}`, labels: labels(component) },
  ...kept,
});
/** The erasure of the tenant `gone` and of the cluster `left` is confirmed, in all cases. */
const erased = (component: string, key: string): Resource => ({
  ...volume(component, {}),
  props: { labels: labels(component, key) },
});
const CONTEXT = { confirmDestroy: ["gone", "clusters.left"] };

/** Rule, what satisfies it, what breaks it. */
const CASES: [rule: string, good: Resource[], bad: Resource[]][] = [
  [
    "image-by-digest",
    [image("redfleet/mongodb:0123456789abcdef"), image(`x@sha256:${"a".repeat(64)}`)],
    [image("mongo:latest"), image("mongo:6.0"), image("redfleet/mongodb")],
  ],
  [
    "limits-set",
    [container({})],
    [
      container({ memory: "(computed)", memorySwap: "(computed)" }),
      container({ labels: undefined }),
      container({ memory: undefined }),
      container({ memorySwap: 512 }),
      container({ labels: [{ label: "redfleet.component", value: "tenant" }] }),
    ],
  ],
  [
    "ports-only-at-the-edge",
    [container({ ports: [] }), container({ labels: labels("edge"), ports: [{ external: 443 }] })],
    [
      container({ labels: labels("mongodb"), ports: [{ external: 27017 }] }),
      container({ ports: "(computed)" }),
    ],
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
    [container({}), container({ envs: [SEALED, "A_KEY_FILE=/run/redfleet/key"] })],
    [
      container({ envs: [SEALED, "MONGODB_URI=mongodb://u:p@h"] }),
      container({ envs: [SEALED, "API_TOKEN=x"] }),
      container({ envs: [SEALED, "(computed)"] }),
    ],
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
    [container({ user: "node" }), container({ user: "" }), container({ user: "00:0" })],
  ],
  [
    "starts-sealed",
    [container({}), container({ labels: labels("mongodb"), envs: [], mounts: [] })],
    [
      container({ envs: [] }),
      container({ mounts: [] }),
      container({ labels: labels("replica"), mounts: [{ ...SEAL, readOnly: false }] }),
    ],
  ],
  [
    "apart-from-the-host",
    [container({}), container(AGENT), container({ networkMode: "container:dev-mongodb-0" })],
    [
      container({ mounts: [SEAL, ...AGENT.mounts] }),
      container({ mounts: [SEAL, "(computed)"] }),
      container({ networkMode: "host" }),
      container({ networkMode: "bridge" }),
      container({ volumes: [{ hostPath: "/etc", containerPath: "/etc" }] }),
      container({ devices: [{ hostPath: "/dev/kmsg" }] }),
      container({ pidMode: "host" }),
      container({ ...AGENT, mounts: [{ type: "bind", source: "/etc", target: "/etc" }] }),
    ],
  ],
  [
    "data-kept",
    [
      volume("mongodb", { protect: true }),
      volume("editor", { retainOnDelete: true }),
      volume("tenant", { retainOnDelete: true }),
      ...["route", "files", "replica"].map((component) => volume(component, {})),
      volume("agent", {}, "config"),
      volume("agent", {}, "run"),
      volume("agent", {}, "seal"),
      erased("tenant", "gone"),
      erased("editor", "left"),
      erased("credentials", "left"),
    ],
    [
      ...["mongodb", "valkey", "sentinel", "editor", "credentials", "tenant"].map((name) =>
        volume(name, {}),
      ),
      volume("agent", {}, "ca"),
      volume("something-new", {}),
      erased("editor", "gone"),
      erased("tenant", "left"),
    ],
  ],
];

const broken = (resource: Resource) => violations(resource, CONTEXT).map(({ rule }) => rule.name);

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

test("a violation names resource, value, rule and fix", () => {
  const found = violations(container({ readOnly: false }), CONTEXT);
  expect(formatViolations(found)).toBe(
    `1 resource breaks the platform's policy; nothing was changed:
  dev-tenant-acme: got readOnly false; the root file system is read-only; set readOnly: true, and give it scratch folders or a volume [read-only-root]`,
  );
});

test("an environment's value never gets into a message", () => {
  const found = violations(container({ envs: [SEALED, "MY_TOKEN=hunter2"] }), CONTEXT);
  expect(formatViolations(found)).toContain("got envs MY_TOKEN;");
  expect(formatViolations(found)).not.toContain("hunter2");
});
