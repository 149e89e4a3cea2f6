import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { Histogram } from "../../../images/node-red/runtime/histogram.ts";
import { type MetricsParts, renderMetrics } from "../../../images/node-red/runtime/metrics.ts";
import { Status } from "../../../images/node-red/runtime/status.ts";
import { documentedFor, documentedMetrics, measuredIn } from "../../support/documented-metrics.ts";
import { promqlProblems } from "../../support/promql.ts";

type Role = "editor" | "replica" | "instance";

/** What a runtime that has just started measures; with the shared context in clusters. */
function metricsOf(role: Role, more: Partial<MetricsParts> = {}): string {
  const counters = { operations: 0, failures: 0, durations: new Histogram([0.1, 1]) };
  return renderMetrics({
    status: new Status({ role, name: "main", worker: "w", nodeRed: "5.0.0" }),
    gate: {
      counters: { requests: 0, held: 0, refused: 0, closed: 0, cutShort: 0 },
      ...{ inFlight: 0, waitingCount: 0 },
    },
    boots: { mode: "normal" },
    reloads: { durations: new Histogram([0.1, 1]), failures: 0 },
    nodes: { waitingCount: 0 },
    context: role === "instance" ? undefined : counters,
    ...more,
  });
}

test.each([
  ["editor", ["all", "clusters", "editors"]],
  ["replica", ["all", "clusters"]],
  ["instance", ["all"]],
] as const)("docs/metrics.md has exactly what a runtime of the role %s measures", (role, of) => {
  expect(measuredIn(metricsOf(role))).toEqual(documentedFor(...of));
});

test("a histogram has a count for each bound, their sum and their number", () => {
  const durations = new Histogram([0.1, 1]);
  for (const seconds of [0.125, 0.25, 4]) durations.observe(seconds);
  const lines = metricsOf("replica", { reloads: { durations, failures: 0 } }).split("\n");
  const name = "redfleet_reload_duration_seconds";
  const labels = 'role="replica",name="main"';
  const begin = lines.indexOf(`# TYPE ${name} histogram`);
  expect(lines.slice(begin + 1, begin + 6)).toEqual([
    `${name}_bucket{${labels},le="0.1"} 0`,
    `${name}_bucket{${labels},le="1"} 2`,
    `${name}_bucket{${labels},le="+Inf"} 3`,
    `${name}_sum{${labels}} 4.375`,
    `${name}_count{${labels}} 3`,
  ]);
});

/** Every series that a query may name. */
const known = new Set(
  documentedMetrics().flatMap(({ name, type }) =>
    (type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]).map(
      (end) => `redfleet_${name}${end}`,
    ),
  ),
);

/** Series of the platform in queries that no runtime has. */
const unknownIn = (queries: readonly string[]) =>
  queries.flatMap((query) => query.match(/\bredfleet_\w+/g) ?? []).filter((one) => !known.has(one));

const read = (file: string) =>
  readFileSync(new URL(`../../../docs/${file}`, import.meta.url), "utf8");

test.each([
  ["rate(redfleet_held[1m]) >", "not understood"],
  ["sum by (stack, nmae) (redfleet_held)", "no such label"],
  ["rate(redfleet_held)", "no range"],
  ["redfleet_replicas < redfleet_replicas[6h]", "a range, which is not taken,"],
])("a query that Prometheus refuses is found: %s", (query, problem) => {
  expect(promqlProblems(query)).toEqual([expect.stringContaining(problem)]);
});

test("the alert rules ask for what there is, and say what is wrong", () => {
  interface Rule {
    alert: string;
    expr: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
  }
  const { groups } = parse(read("monitoring/alerts.yaml")) as { groups: { rules: Rule[] }[] };
  const rules = groups.flatMap((group) => group.rules);
  expect(rules.length).toBeGreaterThan(10);
  expect(unknownIn(rules.map(({ expr }) => expr))).toEqual([]);
  expect(rules.flatMap(({ expr }) => promqlProblems(expr))).toEqual([]);
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { alert, labels, annotations } of rules) {
    expect(labels.severity, alert).toMatch(/^(critical|warning)$/);
    expect(Object.keys(annotations), alert).toEqual(["summary", "description"]);
  }
});

test("a runtime that has only got another address is not gone", () => {
  const [, left = ""] = /alert: RedfleetRuntimeGone\n.*instance!~"(.+?)"/.exec(
    read("monitoring/alerts.yaml"),
  ) as RegExpExecArray;
  const isLeft = (instance: string) => new RegExp(`^(?:${left})$`).test(instance);
  expect(["172.18.0.5:1881", "[fd00::5]:1881"].filter(isLeft)).toHaveLength(2);
  expect(["dev-replica-main-0", "dev-editor-main"].filter(isLeft)).toEqual([]);
});

test("the dashboard asks for what there is", () => {
  interface Dashboard {
    panels: { id: number; targets: { expr: string }[] }[];
    templating: { list: { name: string }[] };
  }
  const text = read("monitoring/dashboard.json");
  const { panels, templating } = JSON.parse(text) as Dashboard;
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  expect(queries.length).toBeGreaterThan(10);
  expect(unknownIn([text])).toEqual([]);
  expect(queries.flatMap(promqlProblems)).toEqual([]);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const variables = new Set(templating.list.map(({ name }) => name));
  const used = [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = ""]) => name);
  expect(used.filter((name) => !name.startsWith("__") && !variables.has(name))).toEqual([]);
});

test("docs/metrics.md names no metric that is not there", () => {
  const named = [...known].map((series) => series.replace(/_(bucket|sum|count)$/, ""));
  const all = new Set([...known, ...named]);
  const mentioned = read("metrics.md").match(/\bredfleet_\w+/g) ?? [];
  expect(mentioned.filter((one) => !all.has(one))).toEqual([]);
});
