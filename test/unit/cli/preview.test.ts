import { describe, expect, test } from "vitest";
import { type PreviewStep, renderMarkdown, summarise } from "../../../cli/preview/summary.ts";

/** A step as a real preview prints it: `urn:pulumi:<stack>::<project>::<types>::<name>`. */
function step(op: string, type: string, name: string, state: object = {}): PreviewStep {
  const full = `docker:index/${type}:${type[0]?.toUpperCase()}${type.slice(1)}`;
  const urn = `urn:pulumi:dev::redfleet::redfleet:index:Platform$${full}::dev-${name}`;
  const described = { type: full, ...state };
  return op === "delete" ? { op, urn, oldState: described } : { op, urn, newState: described };
}

const container = (op: string, name: string, state?: object) => step(op, "container", name, state);
const volume = (op: string, name: string, state?: object) => step(op, "volume", name, state);
const labelled = (label: string, value: string) => ({ inputs: { labels: [{ label, value }] } });

describe("a preview", () => {
  test("says what is created, changed, restarted and removed, per tenant and cluster", () => {
    const steps = [
      container("same", "cluster-main.editor"),
      container("create", "tenant-initech"),
      volume("create", "tenant-initech.data"),
      container("create", "tenant-initech.files"),
      container("update", "tenant-globex"),
      container("create-replacement", "tenant-acme"),
      { ...container("replace", "tenant-acme"), replaceReasons: ["envs"] },
      container("delete-replaced", "tenant-acme"),
      volume("replace", "tenant-acme.route"),
      container("delete", "cluster-main.replica-2"),
      volume("delete", "cluster-main.replica-2.data"),
      container("replace", "mongodb-0"),
    ];
    expect(renderMarkdown("dev", summarise({ steps }))).toMatchInlineSnapshot(`
      "### Redfleet \`dev\`: 8 changes

      | | created | changed in place | made anew | restarted | removed | data lost |
      |---|---|---|---|---|---|---|
      | cluster main |  |  |  |  | replica-2<br>replica-2.data |  |
      | mongodb |  |  |  | mongodb-0 |  |  |
      | tenant acme |  |  | route | runtime (envs) |  |  |
      | tenant globex |  | runtime |  |  |  |  |
      | tenant initech | data<br>runtime |  |  |  |  |  |"
    `);
  });

  test("warns of lost data, and knows what is kept", () => {
    const effects = (one: PreviewStep) => summarise({ steps: [one] }).map(({ effect }) => effect);
    expect(effects(volume("replace", "mongodb-0.data"))).toEqual(["data lost"]);
    const inputs = { commands: ["node", "/app/jobs/erase.ts"] };
    expect(effects(container("create", "tenant-acme", { inputs }))).toEqual(["data lost"]);
    const user = { inputs: { command: ["/redfleet/erase-user"] } };
    const erased = summarise({
      steps: [
        container("replace", "tenant-acme", { inputs }),
        container("replace", "cluster-main.editor", { inputs }),
        container("replace", "cluster-main.valkey-user", user),
      ],
    });
    const why =
      "erased for good (it is under confirmDestroy; taken out after this up, emptied volumes go too)";
    const warnings = [
      `> **Data of cluster main is lost**: database, user, credential secret and the editor's files, ${why}`,
      `> **Data of cluster main is lost**: user and all keys in Valkey, ${why}`,
      `> **Data of tenant acme is lost**: database, user and files, ${why}`,
    ];
    expect(renderMarkdown("dev", erased)).toContain(`\n${warnings.join("\n")}\n`);
  });

  test("tells a volume that stays on the engine from one that an erasure has emptied", () => {
    const kept = volume("delete", "tenant-acme.data", { retainOnDelete: true });
    const emptied = volume("delete", "tenant-globex.data");
    expect(summarise({ steps: [kept, emptied] })).toMatchObject([
      { owner: "tenant acme", effect: "removed", resource: "data (kept on the engine)" },
      { owner: "tenant globex", effect: "removed", resource: "data" },
    ]);
  });

  test("calls a tenant that was renamed by its new key", () => {
    const labels = (key: string) => labelled("redfleet.name", key);
    const steps = [
      volume("replace", "tenant-acme.route", labels("shop")),
      container("replace", "tenant-acme", labels("shop")),
      volume("same", "tenant-acme.data", labels("acme")),
      volume("same", "tenant-globex.route", labels("globex")),
      container("update", "tenant-globex", labels("globex")),
    ];
    const owners = summarise({ steps }).map(({ owner }) => owner);
    expect([...new Set(owners)]).toEqual(["tenant globex", "tenant shop (was acme)"]);
  });

  test("tells the end of a job that has erased something from the end of a runtime", () => {
    const inputs = { commands: ["node", "/app/jobs/erase.ts"] };
    const steps = [
      container("delete", "tenant-acme", { inputs }),
      volume("delete", "tenant-acme.data"),
      container("delete", "tenant-globex"),
    ];
    const job = "the job that has erased: database, user and files";
    expect(summarise({ steps }).map(({ owner, resource }) => [owner, resource])).toEqual([
      ["tenant acme", "data"],
      ["tenant acme", job],
      ["tenant globex", "runtime"],
    ]);
  });

  test("knows a job by its label: it runs again, nobody is restarted", () => {
    const labels = (component: string) => labelled("redfleet.component", component);
    const steps = [
      container("replace", "cluster-main.something-new", labels("job")),
      container("replace", "cluster-main.editor", labels("editor")),
    ];
    expect(summarise({ steps })).toMatchObject([
      { resource: "editor", effect: "restarted" },
      { resource: "something-new", effect: "made anew" },
    ]);
  });

  test("says that those in a network that is made anew are cut off", () => {
    const steps = [
      { ...step("replace", "network", "network-data"), replaceReasons: ["ipamConfigs"] },
      step("create", "network", "tenant-acme.network"),
    ];
    expect(summarise({ steps })).toEqual([
      {
        ...{ owner: "platform", effect: "restarted", resource: "network-data" },
        because: ["ipamConfigs"],
      },
      { owner: "tenant acme", effect: "created", resource: "network", because: [] },
    ]);
  });

  test("names the images of a tenant that gets another template", () => {
    const image = (name: string, imageId: string): PreviewStep => {
      const urn = `urn:pulumi:dev::redfleet::docker:index/remoteImage:RemoteImage::dev-image-${name}`;
      const state = { type: "docker:index/remoteImage:RemoteImage", outputs: { imageId } };
      return { op: "same", urn, oldState: state, newState: state };
    };
    const moved = (before: string, after: string): PreviewStep => ({
      ...container("replace", "tenant-acme", { inputs: { image: after } }),
      oldState: { type: "docker:index/container:Container", inputs: { image: before } },
      replaceReasons: ["image", "labels"],
    });
    const becauseOf = (before: string, after: string) =>
      summarise({
        steps: [
          image("node-red-4", "sha256:4"),
          image("node-red-5", "sha256:5"),
          moved(before, after),
        ],
      })[0]?.because;
    expect(becauseOf("sha256:4", "sha256:5")).toEqual(["image node-red-4 → node-red-5", "labels"]);
    // One that is to be built first has no id.
    expect(becauseOf("sha256:4", "04da6b54-80e4")).toEqual(["image", "labels"]);
  });

  test("without a change says so", () => {
    expect(renderMarkdown("dev", summarise({}))).toBe("### Redfleet `dev`: no change");
  });
});
