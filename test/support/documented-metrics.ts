import { readFileSync } from "node:fs";

/** A row of the table in docs/metrics.md. */
export interface DocumentedMetric {
  /** Without the prefix `redfleet_`. */
  readonly name: string;
  readonly type: string;
  readonly of: "all" | "editors" | "clusters";
}

/** What docs/metrics.md says that runtimes measure. */
export function documentedMetrics(): DocumentedMetric[] {
  const page = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const rows = page.matchAll(/^\| `redfleet_(\w+)` \| (\w+) \| [^|]+ \| (\w+) \| [^|]+ \|$/gm);
  return [...rows].map(([, name = "", type = "", of]) => ({ name, type, of }) as DocumentedMetric);
}

/** The same, as `name type` in order, of those that some runtimes have. */
export function documentedFor(...of: readonly DocumentedMetric["of"][]): string[] {
  const theirs = documentedMetrics().filter((metric) => of.includes(metric.of));
  return theirs.map(({ name, type }) => `${name} ${type}`).sort();
}

/** What a text of /metrics holds, in the form of {@link documentedFor}. */
export function measuredIn(text: string): string[] {
  const types = text.matchAll(/^# TYPE redfleet_(\w+) (\w+)$/gm);
  return [...types].map(([, name, type]) => `${name} ${type}`).sort();
}
