import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Inspected, runningOf } from "../support/containers.ts";
import { documentedFor, measuredIn } from "../support/documented-metrics.ts";
import { runningPlatform } from "../support/platform.ts";
import { ROOT } from "../support/process.ts";
import { E2E } from "../support/stack.ts";
import { until } from "../support/wait.ts";

interface Rule {
  readonly source_labels: readonly [string];
  readonly regex?: string;
  readonly action?: string;
}

const file = readFileSync(join(ROOT, "docs/monitoring/prometheus.yaml"), "utf8");
const [job] = (parse(file) as { scrape_configs: [{ relabel_configs: Rule[] }] }).scrape_configs;

/** Whether the documented scrape keeps what has such a value. */
function keeps(label: string, value: string): boolean {
  const rules = job.relabel_configs.filter(
    (rule) => rule.action === "keep" && rule.source_labels[0] === `__meta_docker_${label}`,
  );
  if (rules.length !== 1) throw new Error(`${rules.length} rules keep by ${label}`);
  return rules.every(({ regex }) => new RegExp(`^(?:${regex})$`).test(value));
}

/** Where it finds a container: one of its addresses for each network that it keeps. */
function targetsOf(container: Inspected): string[] {
  const ports = Object.keys(container.Config.ExposedPorts ?? {}).map((port) => port.split("/")[0]);
  const kept = ports.filter((port = "") => keeps("port_private", port));
  return Object.entries(container.NetworkSettings.Networks)
    .filter(([network]) => keeps("network_name", network))
    .flatMap(([, { IPAddress: address }]) => kept.map((port) => `${address}:${port}`));
}

const componentOf = ({ Config: { Labels: labels } }: Inspected) =>
  labels["redfleet.component"] ?? "";

describe("metrics", () => {
  let running: Inspected[];
  beforeAll(async () => {
    await runningPlatform(E2E);
    running = (await runningOf(E2E.name)).filter((container) =>
      keeps("container_label_redfleet_component", componentOf(container)),
    );
  });

  it.each([
    ["editor", ["all", "clusters", "editors"]],
    ["replica", ["all", "clusters"]],
    ["tenant", ["all"]],
  ] as const)("reach a Prometheus on the machine, once from each %s", async (component, of) => {
    const runtimes = running.filter((container) => componentOf(container) === component);
    expect(runtimes.length).toBeGreaterThan(0);
    for (const runtime of runtimes) {
      const targets = targetsOf(runtime);
      expect(targets, runtime.Name).toHaveLength(1);
      const text = await until(`${runtime.Name} measures`, async () => {
        const answer = await fetch(`http://${targets[0]}/metrics`);
        return answer.ok && (await answer.text());
      });
      expect(measuredIn(text), runtime.Name).toEqual(documentedFor(...of));
    }
  });
});
