/** Metrics in Prometheus' text format. */
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { Boots } from "./boots.ts";
import type { ExchangeCounters } from "./context/exchange.ts";
import type { Gate } from "./gate.ts";
import type { Histogram } from "./histogram.ts";
import type { LazyNodes } from "./lazy-nodes.ts";
import { logged } from "./log.ts";
import type { Reloads } from "./reload.ts";
import type { Status } from "./status.ts";

type Metric =
  | [name: string, type: "counter" | "gauge", help: string, value: number]
  | [name: string, type: "histogram", help: string, value: Histogram];

function gateMetrics(gate: MetricsParts["gate"]): Metric[] {
  const { requests, held, refused, closed, cutShort } = gate.counters;
  return [
    ["http_requests_total", "counter", "Requests to the HTTP nodes", requests],
    ["http_requests_in_flight", "gauge", "Requests that run now", gate.inFlight],
    ["gate_requests_waiting", "gauge", "Requests that wait for a deploy now", gate.waitingCount],
    ["gate_requests_held_total", "counter", "Requests that waited for a deploy", held],
    ["gate_requests_refused_total", "counter", "Requests refused because too many waited", refused],
    ["gate_closed_total", "counter", "Deploys that touched endpoints", closed],
    ["gate_cut_short_total", "counter", "Requests that ran longer than a deploy waits", cutShort],
  ];
}

function statusMetrics(status: Status): Metric[] {
  const metrics: Metric[] = [
    ["ready", "gauge", "1 when requests are welcome", Number(status.ready)],
    ["flow_revision", "gauge", "Revision that runs", status.revision ?? 0],
    [
      "error",
      "gauge",
      "1 when the newest revision does not run",
      Number(status.error !== undefined),
    ],
    ["held", "gauge", "1 when a newer revision is held back here", Number(status.held)],
  ];
  if (status.identity.role !== "editor") return metrics;
  return [
    ...metrics,
    ["replicas", "gauge", "Replicas that reported within ten minutes", status.replicas.length],
    ["replicas_live", "gauge", "Replicas heard of that run the newest revision", status.live],
  ];
}

/** Milliseconds between two looks at the event loop: few enough to cost an idle process nothing. */
const LAG_RESOLUTION_MS = 100;
const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
lag.enable();

/** What was seen since the last time somebody asked. */
function lagMetrics(): Metric[] {
  // The histogram holds the time between two looks, most of which nobody was late.
  const seconds = (ns: number) => Math.max(0, (ns || 0) / 1e9 - LAG_RESOLUTION_MS / 1000);
  const metrics: Metric[] = [
    ["event_loop_lag_p50_seconds", "gauge", "Median lag", seconds(lag.percentile(50))],
    ["event_loop_lag_p99_seconds", "gauge", "99th percentile of lag", seconds(lag.percentile(99))],
    ["event_loop_lag_max_seconds", "gauge", "Longest lag", seconds(lag.max)],
  ];
  lag.reset();
  return metrics;
}

function logMetrics(): Metric[] {
  return [
    ["log_errors_total", "counter", "Errors in the log", logged.error],
    ["log_warnings_total", "counter", "Warnings in the log", logged.warn],
  ];
}

function processMetrics(): Metric[] {
  const { rss, heapUsed } = process.memoryUsage();
  const { heap_size_limit: heapLimit } = getHeapStatistics();
  const { user, system } = process.cpuUsage();
  const { utilization } = performance.eventLoopUtilization();
  return [
    ["process_resident_memory_bytes", "gauge", "Resident memory", rss],
    ["process_heap_used_bytes", "gauge", "Used JavaScript heap", heapUsed],
    ["process_heap_limit_bytes", "gauge", "JavaScript heap that it may use", heapLimit],
    ["process_cpu_seconds_total", "counter", "CPU time", (user + system) / 1e6],
    ["event_loop_utilization", "gauge", "Busy share of the event loop since start", utilization],
    ["uptime_seconds", "gauge", "Seconds since start", process.uptime()],
  ];
}

function storeMetrics({ told: { events, breaks } }: Status): Metric[] {
  return [
    ["store_events_total", "counter", "Flow sets and workers that the flow store told of", events],
    ["store_breaks_total", "counter", "Times that what tells of them was lost", breaks],
  ];
}

function reloadMetrics({ durations, failures }: Reloads): Metric[] {
  const help = "Time that revisions from the flow store took to be applied";
  return [
    ["reload_duration_seconds", "histogram", help, durations],
    ["reload_failures_total", "counter", "Revisions that could not be applied", failures],
  ];
}

function contextMetrics(counters: ExchangeCounters | undefined): Metric[] {
  if (counters === undefined) return [];
  const { operations, failures, durations } = counters;
  const help = "Time until requests to the shared context were answered or given up";
  return [
    ["context_operations_total", "counter", "Operations on the shared context", operations],
    ["context_duration_seconds", "histogram", help, durations],
    ["context_failures_total", "counter", "Requests without a good answer", failures],
  ];
}

function nodeMetrics({ waitingCount }: MetricsParts["nodes"]): Metric[] {
  const help = "Core node files whose code no flow has needed yet";
  return [["node_files_waiting", "gauge", help, waitingCount]];
}

/** Where the figures come from. */
export interface MetricsParts {
  status: Status;
  gate: Pick<Gate, "counters" | "inFlight" | "waitingCount">;
  boots: Pick<Boots, "mode">;
  reloads: Reloads;
  nodes: Pick<LazyNodes, "waitingCount">;
  /** Undefined where contexts are not shared. */
  context: ExchangeCounters | undefined;
}

/** All metrics, prefixed `redfleet_`, labelled with role and name. */
export function renderMetrics({
  status,
  gate,
  boots,
  reloads,
  nodes,
  context,
}: MetricsParts): string {
  const { role, name } = status.identity;
  const labels = `role="${role}",name="${name}"`;
  const all: Metric[] = [
    ...statusMetrics(status),
    ...gateMetrics(gate),
    ...storeMetrics(status),
    ...reloadMetrics(reloads),
    ...contextMetrics(context),
    ...nodeMetrics(nodes),
    ["safe_mode", "gauge", "1 when flows are held back", Number(boots.mode !== "normal")],
    ...logMetrics(),
    ...lagMetrics(),
    ...processMetrics(),
  ];
  return all.map((metric) => renderMetric(metric, labels)).join("");
}

function renderMetric([metric, type, help, value]: Metric, labels: string): string {
  const full = `redfleet_${metric}`;
  const samples =
    typeof value === "number"
      ? `${full}{${labels}} ${value}\n`
      : renderHistogram(full, value, labels);
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${samples}`;
}

function renderHistogram(full: string, histogram: Histogram, labels: string): string {
  const buckets = histogram
    .buckets()
    .map(([bound, count]) => `${full}_bucket{${labels},le="${bound}"} ${count}\n`);
  const { sum, count } = histogram;
  return `${buckets.join("")}${full}_sum{${labels}} ${sum}\n${full}_count{${labels}} ${count}\n`;
}
