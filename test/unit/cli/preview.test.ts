import { describe, expect, test } from "vitest";
import { type PreviewStep, renderMarkdown, summarise } from "../../../cli/preview/summary.ts";

const TENANT = "redfleet:index:Platform$redfleet:tenant:Instance";
const CLUSTER = "redfleet:index:Platform$redfleet:nodered:Cluster";

function step(
  op: string,
  [chain, type, name]: [string, string, string],
  labels: Record<string, string>,
  more: object = {},
): PreviewStep {
  const kind = `docker:index/${type}:${type[0]?.toUpperCase()}${type.slice(1)}`;
  const state = {
    type: kind,
    inputs: {
      labels: Object.entries(labels).map(([key, value]) => ({
        label: `redfleet.${key}`,
        value,
      })),
    },
    ...more,
  };
  const states = op === "delete" ? { oldState: state } : { newState: state };
  return { op, urn: `urn:pulumi:dev::redfleet::${chain}$${kind}::${name}`, ...states };
}

const acme = { component: "tenant", name: "acme" };

describe("a preview", () => {
  test("says what is created, changed, restarted and removed, per tenant and cluster", () => {
    const steps = [
      step("same", [CLUSTER, "container", "main-editor"], { component: "editor", name: "main" }),
      step("create", [TENANT, "container", "initech"], { component: "tenant", name: "initech" }),
      step("create", [TENANT, "volume", "initech-data"], { component: "tenant", name: "initech" }),
      step("update", [TENANT, "container", "globex"], { component: "tenant", name: "globex" }),
      step("create-replacement", [TENANT, "container", "acme"], acme),
      { ...step("replace", [TENANT, "container", "acme"], acme), replaceReasons: ["envs"] },
      step("delete-replaced", [TENANT, "container", "acme"], acme),
      step("replace", [TENANT, "volume", "acme-route"], { ...acme, component: "route" }),
      step("delete", [CLUSTER, "container", "main-replica-2"], {
        component: "replica",
        name: "main",
      }),
    ];
    expect(renderMarkdown("dev", summarise({ steps }))).toMatchInlineSnapshot(`
      "### Redfleet \`dev\`: 6 changes

      | | created | changed in place | restarted | removed | data lost |
      |---|---|---|---|---|---|
      | cluster main |  |  |  | main-replica-2 |  |
      | tenant acme |  | acme-route | acme (envs) |  |  |
      | tenant globex |  | globex |  |  |  |
      | tenant initech | initech<br>initech-data |  |  |  |  |"
    `);
  });

  test("warns of lost data, and knows what is kept", () => {
    const data = step("delete", [TENANT, "volume", "acme-data"], acme);
    const retained = step("delete", [TENANT, "volume", "acme-data"], acme, {
      retainOnDelete: true,
    });
    expect(summarise({ steps: [data] })[0]?.effect).toBe("data lost");
    expect(summarise({ steps: [retained] })[0]?.effect).toBe("removed");
    expect(renderMarkdown("dev", summarise({ steps: [data] }))).toContain(
      "> **Data of tenant acme is lost**: acme-data",
    );
  });

  test("without a change says so", () => {
    expect(renderMarkdown("dev", summarise({}))).toBe("### Redfleet `dev`: no change");
  });
});
