import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { ROOT } from "../support/process.ts";
import { type Figure, figuresSince, judge } from "../support/report.ts";
import { putTable } from "./document.ts";
import type { Row } from "./types.ts";

const DOCUMENT = join(ROOT, "docs", "performance.md");
const MARK = "<!-- written by `npm run bench -- --write` below this line -->";

const INTRODUCTION = `# Performance

Every figure is measured beside its peer and the physical limit in one run, in turns and on the loopback only, and
is the median of as many values as its row says. The first round does not count, except in B11, which starts
everything anew in each. Servers that are measured are pinned to one core, and the client, with the flow store, to
the other; in B2 and B7, which run six and more at once, they have both. Ratios of 1.5 and more, CPU times and memory
are to be trusted; smaller differences of wall-clock times are noise on a busy machine.

| | measured | peer | limit |
|---|---|---|---|
| B1 | process start to the first 200 of a flow | \`node-red\` 5 from npm, default settings | bare Express; bare \`node:http\` |
| B2 | proportional set size per idle instance, eight at once | the same | bare \`node:http\` |
| B3 | HTTP-in → function → response, one core | the same | bare \`node:http\` |
| B4 | proportional set size after that load | the same | bare \`node:http\` |
| B5 | proxy CPU per request over TLS | nginx as the HTTP scaling article sets it up | nginx with upstream keep-alive |
| B6 | lost requests and latency of an unchanged tab during deploys | deployment type \`reload\` | none lost; p99 when idle |
| B7 | save in the editor until two replicas serve it, flows in MongoDB or Valkey | three \`node-red\` 5, one of them the editor, with the article's storage plugin on MongoDB in either case | the store's own write of the same flow set, packed as ours |
| B8 | read of shared context by a worker that keeps a copy, and its age | a \`GET\` by ioredis, parsed | \`Map\`; nothing |
| B9 | change of a part of a document in shared context | a script that reads, changes and writes the document | a bare \`HSET\` of the part |
| B10 | writes of shared context a second | \`SET\` by ioredis | the same in pipelines; \`PING\` |
| B11 | time without a leader after the last one has ended | the algorithm of node-red-cluster: 10 s, renewed every 2 s | one round trip |

Ours loads the same palette as \`node-red\` from npm, also the nodes that the platform leaves out unless told otherwise.
B5 has no row for plain HTTP: the edge answers that with a redirect to HTTPS and forwards nothing.

Run it: \`npm run bench\`, or \`npm run bench -- B3 B6 --json\`. \`npm run bench -- B7 --profile\` tells by module and
function what the measured runtimes spend CPU and heap on, and where the profiles are for Chrome's DevTools; its
figures are slower and are not written. For B8 to B10, which run our code in their own process:
\`node --cpu-prof test/bench/run.ts B9\`.

What the whole platform may take is measured by the tests: they assert no times but record them, and a
test run judges at its end those that have a limit. The limits are for a quiet machine with two cores; a
run fails when a time is more than four times its limit, one that is mostly waiting for leases and timers (a
leader's, a failover's, until a store is back) more than one and a half times, or anything else is beyond it.
`;

const COLUMNS = "id|metric|unit|ours|peer|limit|ours / peer|ours / limit|target|met|values".split(
  "|",
);

/** Rows as a Markdown table. */
export function renderTable(rows: readonly Row[]): string {
  const line = (cells: readonly unknown[]) => `| ${cells.join(" | ")} |\n`;
  const body = rows.map((row) => {
    const { id, metric, unit, ours, peer, limit, ratio, toLimit, target, note } = row;
    const met = target && (target.met ? "met" : "**missed**");
    return line([id, metric, unit, ours, peer, limit, ratio, toLimit, target?.text, met, note]);
  });
  return line(COLUMNS) + line(COLUMNS.map(() => "---")) + body.join("");
}

/**
 * Puts results, with the machine they come from, into the document: the section of today, and the
 * newest of each figure that tests of this clone have recorded and that has a limit.
 */
export function writeDocument(rows: readonly Row[]): void {
  const text = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, "utf8") : "";
  let body = text.split(MARK)[1] ?? "";
  if (rows.length > 0) body = putTable(body, today(), machine(), renderTable(rows));
  const limited = figuresSince(new Date(0)).filter((figure) => judge(figure) !== "none");
  if (limited.length > 0) body = putTable(body, "The platform", machine(), renderLimits(limited));
  mkdirSync(dirname(DOCUMENT), { recursive: true });
  writeFileSync(DOCUMENT, `${INTRODUCTION}\n${MARK}\n\n${body.trim()}\n`);
}

const today = () => new Date().toISOString().slice(0, 10);

/** The newest value of each figure as a Markdown table. */
function renderLimits(figures: readonly Figure[]): string {
  const newest = new Map(figures.map((figure) => [figure.name, figure]));
  const lines = [...newest.values()].map((figure) => {
    const { name, unit, atMost, value, at } = figure;
    return `| ${name} | ${unit} | ${atMost} | ${value} | ${judge(figure)} | ${at.slice(0, 10)} |`;
  });
  return [
    "| figure | unit | at most | measured | | on |",
    "|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

function machine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${processors.length} × ${model}, ${memory}, Linux ${release()}, Node ${process.versions.node}.`;
}
