import { setTimeout } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { globals } from "../context.ts";
import type { Engine } from "../engine/client.ts";
import { readable } from "../engine/log-text.ts";
import { followLogs, type LogLine, readLogs } from "../engine/logs.ts";
import type { Part } from "../engine/part.ts";
import { selectParts } from "../engine/select.ts";
import { inspectPart, readStack } from "../engine/view.ts";
import { paint } from "../output.ts";
import { ownEngine } from "../pulumi/owner.ts";

interface Options {
  follow?: boolean;
  raw?: boolean;
  tail: number;
}

/** `redfleet logs`: the output of a whole cluster, tenant or component, merged by time. */
export function registerLogs(program: Command): void {
  program
    .command("logs")
    .description("output of a cluster, tenant, component or container, merged by time")
    .argument("<name>", "for example main, acme, mongodb, replica-main-0")
    .option("-f, --follow", "print new lines as they come, also over restarts")
    .option("--tail <lines>", "newest lines of each container", wholeNumber, 100)
    .option("--raw", "lines as they were written, JSON for other programs")
    .action(async (name: string, options: Options, command: Command) => {
      const { stack, json } = globals(command);
      const docker = await ownEngine(stack);
      const find = async () => selectParts(await readStack(docker, stack, { jobs: true }), name);
      const parts = await find();
      const print = printer(parts, json, options.raw === true);
      const last = await printPast(docker, parts, options.tail, print);
      if (options.follow) await follow(docker, find, last, print);
    });
}

function wholeNumber(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("use a whole number of lines, for example 200");
}

/** Older than any line. */
const EVER = new Date(0).toISOString();

type Print = (part: Part, line: LogLine) => void;

function printer(parts: readonly Part[], json: boolean, raw: boolean): Print {
  if (json) {
    return (part, line) => console.log(JSON.stringify({ worker: part.name, ...line }));
  }
  if (raw) return (_part, line) => console.log(line.text);
  const width = Math.max(...parts.map((part) => part.name.length));
  // hours to milliseconds, UTC as everything that the platform writes
  const text = ({ time, text }: LogLine) => `${paint("dim", time.slice(11, 23))} ${readable(text)}`;
  return (part, line) => console.log(`${paint("cyan", part.name.padEnd(width))} ${text(line)}`);
}

/** Prints what there is, sorted by time over all containers; returns the newest time of each. */
async function printPast(docker: Engine, parts: Part[], tail: number, print: Print) {
  const lines = await Promise.all(
    parts.map(async (part) => {
      const past = await readLogs(docker, part.id, tail);
      return past.map((line) => ({ part, line }));
    }),
  );
  const now = new Date().toISOString();
  const last = new Map(parts.map((part) => [part.name, now]));
  for (const { part, line } of lines.flat()) last.set(part.name, line.time);
  const sorted = lines.flat().sort((a, b) => (a.line.time < b.line.time ? -1 : 1));
  for (const { part, line } of sorted) print(part, line);
  return last;
}

/** Follows all containers of a name, also those that come later: a new replica, for instance. */
async function follow(
  docker: Engine,
  find: () => Promise<Part[]>,
  last: Map<string, string>,
  print: Print,
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const followed = new Map<string, Promise<void>>();
  while (!stop.signal.aborted) {
    for (const part of await find().catch(() => [])) {
      if (followed.has(part.name)) continue;
      followed.set(part.name, followPart(docker, part, last, print, stop.signal));
    }
    await setTimeout(2_000, undefined, { signal: stop.signal }).catch(() => undefined);
  }
  await Promise.all(followed.values());
}

/** Follows a container by its name, so that a restarted or replaced one is followed again. */
async function followPart(
  docker: Engine,
  part: Part,
  last: Map<string, string>,
  print: Print,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const [current] = await inspectPart(docker, part.name);
    if (current?.status === "running") {
      const since = last.get(part.name) ?? EVER;
      for await (const line of followLogs(docker, current.id, since, signal)) {
        last.set(part.name, line.time);
        print(part, line);
      }
    }
    await setTimeout(500, undefined, { signal }).catch(() => undefined);
  }
}
