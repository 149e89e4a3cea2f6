/**
 * Runs the benchmarks: `node test/bench/run.ts [B1 B3 …] [--json] [--write] [--profile]`. Every figure is
 * measured beside its peer in the same run; `--write` puts the results into docs/performance.md, with
 * what the tests have recorded of the platform; `node test/bench/run.ts figures` writes only that.
 * `--profile` tells what our processes spend CPU and heap on; it slows them, so such figures are not written.
 */
import { sweep } from "../support/engine.ts";
import { endAll } from "../support/process.ts";
import { setUpBases, setUpEngine, stopEngine } from "../support/setup.ts";
import { answered, UsageError } from "../support/usage.ts";
import { b1 } from "./b1.ts";
import { b2 } from "./b2.ts";
import { b3 } from "./b3.ts";
import { b5 } from "./b5.ts";
import { b6 } from "./b6.ts";
import { b7 } from "./b7.ts";
import { b8 } from "./b8.ts";
import { b9 } from "./b9.ts";
import { b10 } from "./b10.ts";
import { b11 } from "./b11.ts";
import { pinSelf } from "./pinned.ts";
import { profile, summarise } from "./profile.ts";
import { renderTable, writeDocument } from "./render.ts";
import type { Benchmark, Row } from "./types.ts";

/** Most that a benchmark may take unless it says otherwise; on a quiet machine each stays below about three minutes. */
const LIMIT_SECONDS = 420;

const ALL: readonly Benchmark[] = [b1, b2, b3, b5, b6, b7, b8, b9, b10, b11];

async function main(args: readonly string[]): Promise<undefined> {
  if (args[0] === "figures") {
    writeDocument([]);
    return undefined;
  }
  const json = args.includes("--json");
  const profiled = args.includes("--profile");
  if (profiled && args.includes("--write")) {
    throw new UsageError("--profile slows what is measured: its figures are not to be written");
  }
  const chosen = choose(args.filter((arg) => !arg.startsWith("--")));
  const say = (text: string) => (json ? process.stderr : process.stdout).write(`${text}\n`);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupted);
  say("── set-up");
  await setUpEngine();
  await setUpBases();
  await pinSelf();
  const rows: Row[] = [];
  for (const benchmark of chosen) {
    say(`── ${benchmark.id} ${benchmark.what}`);
    const started = Date.now();
    if (profiled) profile(benchmark.id);
    const found = await bounded(benchmark).catch((error) => {
      process.exitCode = 1;
      say(`${benchmark.id} was not taken: ${error instanceof Error ? error.message : error}`);
      return [];
    });
    rows.push(...found);
    say(`${renderTable(found)}   ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
    if (profiled) say(summarise());
  }
  if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  if (args.includes("--write")) writeDocument(rows);
  await stopEngine();
}

/** One benchmark within its time; whatever becomes of it, nothing of it goes on. */
async function bounded(benchmark: Benchmark): Promise<Row[]> {
  const late = Promise.withResolvers<never>();
  const { limitSeconds = LIMIT_SECONDS } = benchmark;
  const message = `it did not end within ${limitSeconds} s; is the machine busy?`;
  const timer = setTimeout(() => late.reject(new Error(message)), limitSeconds * 1000);
  const running = benchmark.run();
  // One that is late fails once more, when its processes are gone.
  running.catch(() => {});
  try {
    return await Promise.race([running, late.promise]);
  } finally {
    clearTimeout(timer);
    await clear();
  }
}

/** Leaves neither processes nor containers behind. */
async function clear(): Promise<void> {
  endAll();
  await sweep(isBench);
}

async function interrupted(): Promise<void> {
  await clear();
  await stopEngine();
  process.exit(130);
}

function choose(ids: readonly string[]): readonly Benchmark[] {
  const unknown = ids.filter((id) => !ALL.some((benchmark) => benchmark.id === id));
  if (unknown.length > 0) {
    const known = ALL.map((benchmark) => benchmark.id).join(" ");
    throw new UsageError(`no such benchmark: ${unknown.join(" ")}; there are: ${known}`);
  }
  return ids.length === 0 ? ALL : ALL.filter((benchmark) => ids.includes(benchmark.id));
}

const isBench = (labels: Readonly<Record<string, string>> | null | undefined) =>
  labels?.["redfleet.stack"] === "bench";

const code = await answered(() => main(process.argv.slice(2)));
// A benchmark that was given up may have a client that looks for its server for ever.
process.exit(code || process.exitCode);
