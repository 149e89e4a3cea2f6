/** What Prometheus would refuse in a query, as far as its own grammar tells. */
import { parser } from "@prometheus-io/lezer-promql";

/** Functions of a range of time. */
const OF_RANGES = /^(rate|increase|resets|\w+_over_time)$/;
/** Of the runtimes, of the scrape (docs/monitoring/prometheus.yaml), and of every histogram. */
const LABELS = new Set(["role", "name", "job", "stack", "instance", "le"]);

/** Problems of a query, each with its place. Of Grafana's variables a duration is filled in. */
export function promqlProblems(query: string): string[] {
  const text = query.replaceAll("$__rate_interval", "1m");
  const problems: string[] = [];
  parser.parse(text).iterate({
    enter({ type, from, to, node }) {
      const problem = (what: string) => problems.push(`${what} at ${from}: ${text.slice(from)}`);
      const takesRange = (call = node) => {
        const name = call.getChild("FunctionIdentifier");
        return name !== null && OF_RANGES.test(text.slice(name.from, name.to));
      };
      if (type.isError) problem("not understood");
      if (type.name === "LabelName" && !LABELS.has(text.slice(from, to))) problem("no such label");
      if (type.name === "FunctionCall" && takesRange()) {
        if (!node.getChild("FunctionCallBody")?.getChild("MatrixSelector")) problem("no range");
      }
      if (type.name === "MatrixSelector") {
        const call = node.parent?.parent;
        if (!call || !takesRange(call)) problem("a range, which is not taken,");
      }
    },
  });
  return problems;
}
