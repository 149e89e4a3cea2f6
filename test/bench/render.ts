import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { ROOT } from "../support/process.ts";
import type { Row } from "./types.ts";

const DOCUMENT = join(ROOT, "docs", "performance.md");
const MARK = "<!-- written by `npm run bench -- --write` below this line -->";

const INTRODUCTION = `# Performance

Every figure is measured beside its peer and the physical limit in one run, in turns, on pinned cores
and the loopback only; the first round does not count. Ratios of 1.5 and more, CPU times and memory
are to be trusted; smaller differences of wall-clock times are noise on a busy machine.

| | measured | peer | limit |
|---|---|---|---|
| B1 | process start to the first 200 of a flow | \`node-red\` 5 from npm, default settings | bare Express |
| B2 | proportional set size per idle instance, eight at once | the same | bare \`node:http\` |
| B3 | HTTP-in → function → response, one core | the same | bare \`node:http\` |
| B4 | proportional set size after that load | the same | bare \`node:http\` |
| B5 | proxy CPU per request | nginx as the HTTP scaling article sets it up | nginx with upstream keep-alive |
| B6 | lost requests and latency of an unchanged tab during deploys | deployment type \`reload\` | none lost; p99 when idle |
| B7 | save in the editor until two replicas serve it | flow file written, then \`reload\` on both | the store's own write of the same flow set |

Run it: \`npm run bench\`, or \`npm run bench -- B3 B6 --json\`.
`;

const COLUMNS = "id|metric|unit|ours|peer|limit|ours / peer|ours / limit|target|met|rounds".split(
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

/** Puts the newest results, with the machine they come from, at the top of the document's list. */
export function writeDocument(rows: readonly Row[]): void {
  const text = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, "utf8") : "";
  const older = text.split(MARK)[1] ?? "";
  const section = `\n## ${new Date().toISOString().slice(0, 10)}\n\n${machine()}\n\n${renderTable(rows)}`;
  mkdirSync(dirname(DOCUMENT), { recursive: true });
  writeFileSync(DOCUMENT, `${INTRODUCTION}\n${MARK}\n${section}${older}`);
}

function machine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${processors.length} × ${model}, ${memory}, Linux ${release()}, Node ${process.versions.node}.`;
}
