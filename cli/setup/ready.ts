import { setTimeout as sleep } from "node:timers/promises";
import type { EdgeConfig } from "../../config/sections/edge.ts";
import { askEdge, type Edge, reachable, trustFile } from "../edge/client.ts";
import type { Engine } from "../engine/client.ts";
import { fetchCa } from "../engine/knowledge.ts";
import { readable } from "../engine/log-text.ts";
import { readLogs } from "../engine/logs.ts";
import type { Part } from "../engine/part.ts";
import { readStack, type StackView } from "../engine/view.ts";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import type { Note } from "./progress.ts";

/** A URL that the edge must serve. */
export interface Endpoint {
  name: string;
  url: string;
}

/** What has to answer, and how long it may take. */
export interface Target {
  readonly endpoints: readonly Endpoint[];
  /** Where the edge listens, and what its certificate is trusted by. */
  readonly config: EdgeConfig;
  /** Longest wait for everything to answer, in seconds. */
  readonly limit: number;
}

const POLL = 500;

/**
 * Waits until every container is up and healthy and the edge serves every URL with a certificate of
 * the platform's own CA, or with the one that the stack file gives.
 * @returns file with the CA's certificate, or null where certificates were given
 */
export async function waitUntilReady(
  docker: Engine,
  stack: string,
  { endpoints, config, limit }: Target,
  note: Note,
): Promise<string | null> {
  const address = reachable(config.address);
  let view = await readStack(docker, stack);
  let problems: string[] = [];
  const end = Date.now() + limit * 1000;
  for (; Date.now() < end; view = await readStack(docker, stack)) {
    const caFile = await fetchCa(docker, view, config.tls);
    const edge = { address, trustFile: trustFile(config.tls, caFile) };
    problems = view.parts
      .filter(isNotReady)
      .map(({ name, status, health }) => `${name} is ${status === "running" ? health : status}`);
    const answers = await Promise.all(endpoints.map((one) => problemOf(one, edge)));
    problems.push(...answers.flat());
    if (problems.length === 0) return caFile;
    note(problems.join(", "));
    await sleep(POLL);
  }
  throw new CliError({
    what: `the platform is up, and after ${limit} s not everything answers`,
    why: [...problems, ...(await lastWords(docker, view))].join("\n"),
    fix: `${redfleet("status", stack)}, ${redfleet("logs <name>", stack)}`,
  });
}

const isNotReady = ({ status, health }: Part): boolean =>
  status !== "running" || (health !== "healthy" && health !== "none");

async function problemOf({ name, url }: Endpoint, edge: Edge): Promise<string[]> {
  try {
    const { status } = await askEdge(edge, new URL(url));
    return status < 500 ? [] : [`${name} answers ${status}`];
  } catch (error) {
    return [`${name}: ${(error as Error).message}`];
  }
}

/** The last output of what does not run well. */
export async function lastWords(docker: Engine, view: StackView): Promise<string[]> {
  const bad = view.parts.filter(isNotReady).slice(0, 4);
  const words = await Promise.all(bad.map((part) => lastLines(docker, part.name)));
  return words.flat();
}

/** The last lines of a container's output, each with its name; frames of a stack trace left out. */
export async function lastLines(docker: Engine, name: string): Promise<string[]> {
  const lines = await readLogs(docker, name, 30).catch(() => []);
  const telling = lines.filter(({ text }) => text.trim() !== "" && !/^\s+at /.test(text));
  return telling.slice(-8).map(({ text }) => `${name} | ${readable(text)}`);
}
