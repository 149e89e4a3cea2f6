import { setTimeout as sleep } from "node:timers/promises";
import { askEdge } from "../edge/client.ts";
import type { Engine } from "../engine/client.ts";
import { fetchCa } from "../engine/knowledge.ts";
import { readable } from "../engine/log-text.ts";
import { readLogs } from "../engine/logs.ts";
import type { Part } from "../engine/part.ts";
import { readStack, type StackView } from "../engine/view.ts";
import { CliError } from "../errors.ts";
import type { Note } from "./progress.ts";

/** A URL that the edge must serve. */
export interface Endpoint {
  name: string;
  url: string;
}

/** Longest wait for everything to answer, in milliseconds. */
const LIMIT = 180_000;
const POLL = 500;

/**
 * Waits until every container is up and healthy and the edge serves every URL with a certificate of
 * the platform's own CA (or one that this machine trusts).
 * @param address where the edge listens on this machine
 * @returns file with the CA's certificate, or null where certificates were given
 */
export async function waitUntilReady(
  docker: Engine,
  stack: string,
  { endpoints, address }: { endpoints: readonly Endpoint[]; address: string },
  note: Note,
): Promise<string | null> {
  let view = await readStack(docker, stack);
  let problems: string[] = [];
  for (const end = Date.now() + LIMIT; Date.now() < end; view = await readStack(docker, stack)) {
    const caFile = await fetchCa(docker, view);
    problems = view.parts
      .filter(isNotReady)
      .map(({ name, status, health }) => `${name} is ${health === "none" ? status : health}`);
    const answers = await Promise.all(endpoints.map((one) => problemOf(one, caFile, address)));
    problems.push(...answers.flat());
    if (problems.length === 0) return caFile;
    note(problems.join(", "));
    await sleep(POLL);
  }
  throw new CliError({
    what: `the platform is up, and after ${LIMIT / 1000} s not everything answers`,
    why: [...problems, ...(await lastWords(docker, view))].join("\n"),
    fix: `redfleet status --stack ${stack}, redfleet logs <name> --stack ${stack}`,
  });
}

const isNotReady = ({ status, health }: Part): boolean =>
  status !== "running" || (health !== "healthy" && health !== "none");

async function problemOf(
  { name, url }: Endpoint,
  caFile: string | null,
  address: string,
): Promise<string[]> {
  try {
    const { status } = await askEdge({ address, caFile }, new URL(url));
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
