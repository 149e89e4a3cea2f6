import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { caPath } from "../../config/local.ts";
import type { PlatformConfig } from "../../config/schema.ts";
import type { EdgeConfig } from "../../config/sections/edge.ts";
import { ROOT } from "../context.ts";
import { hasState, readState, type State } from "../pulumi/state.ts";
import { type Work, workOn } from "../pulumi/work.ts";
import { writeAtomic } from "../setup/files.ts";
import type { Absence } from "./absence.ts";
import type { Engine } from "./client.ts";
import { readFileFrom } from "./copy.ts";
import { differences } from "./differences.ts";
import { exec } from "./exec.ts";
import { telling } from "./log-text.ts";
import { readLogs } from "./logs.ts";
import type { Part } from "./part.ts";
import {
  assembleStatus,
  isRuntime,
  type Knowledge,
  type RuntimeStatus,
  type Status,
} from "./status.ts";
import { readStack, type StackView } from "./view.ts";

/** Log lines among which a crash's cause is looked for. */
const LAST_WORDS = 30;
/** Where the agent keeps the certificate of the platform's own CA. */
const CA_IN_AGENT = "/ca/ca.crt";
/** Asked from inside, so it works with a remote engine and whatever the firewall lets through. */
const ASK = `require("http").get({ port: process.env.REDFLEET_HEALTH_PORT ?? 1881, path: "/status" },
  (answer) => answer.pipe(process.stdout));`;
const STATUS_COMMAND = ["node", "-e", ASK];

/**
 * Asks the engine, and inside it every runtime, for the status of a stack.
 * @param platform what the stack file declares; without it nobody knows what is missing
 */
export async function readStatus(
  docker: Engine,
  stack: string,
  platform?: PlatformConfig,
): Promise<Status & { readonly differences: string[]; readonly work: Work | undefined }> {
  // First: what an `up` that ends meanwhile has made is in the view.
  const absence = await readAbsence(stack);
  const view = await readStack(docker, stack);
  const status = assembleStatus(
    view,
    { absence, ...(await gather(docker, view, platform)) },
    platform,
  );
  const found = platform ? differences(view, status, platform) : [];
  return { ...status, differences: found, work: absence.work };
}

/** Why containers of a stack may be missing, as far as this clone knows. */
export async function readAbsence(stack: string): Promise<Absence> {
  const work = await workOn(stack);
  return work || !hasState(stack) ? { work } : { made: containersIn(readState(stack)) };
}

const containersIn = ({ resources }: State): Set<string> =>
  new Set(
    resources.flatMap(({ type, inputs }) =>
      type.endsWith(":Container") && typeof inputs?.name === "string" ? [inputs.name] : [],
    ),
  );

async function gather(
  docker: Engine,
  view: StackView,
  platform: PlatformConfig | undefined,
): Promise<Omit<Knowledge, "absence">> {
  const [caFile, runtimes, lastLines] = await Promise.all([
    fetchCa(docker, view, platform?.edge.tls),
    askRuntimes(docker, view),
    lastLinesOf(docker, view),
  ]);
  return { caFile, runtimes, lastLines };
}

async function askRuntimes(docker: Engine, view: StackView): Promise<Map<string, RuntimeStatus>> {
  const up = view.parts.filter((part) => isRuntime(part) && part.status === "running");
  const answers = await Promise.all(
    up.map(async (part) => [part.name, await askRuntime(docker, part)] as const),
  );
  return new Map(answers.flatMap(([name, status]) => (status ? [[name, status] as const] : [])));
}

/** A runtime that does not answer is no failure of the question: the engine's view remains. */
async function askRuntime(docker: Engine, part: Part): Promise<RuntimeStatus | undefined> {
  try {
    const { stdout } = await exec(docker, part.id, STATUS_COMMAND);
    return JSON.parse(stdout) as RuntimeStatus;
  } catch {
    return undefined;
  }
}

/** What those said last that are down, or that keep restarting. */
async function lastLinesOf(docker: Engine, view: StackView): Promise<Map<string, string>> {
  const ill = view.parts.filter((part) => part.status !== "running" || part.health === "starting");
  const lines = await Promise.all(
    ill.map(async (part) => {
      const last = await readLogs(docker, part.id, LAST_WORDS).catch(() => []);
      return [part.name, telling(last.map(({ text }) => text))] as const;
    }),
  );
  return new Map(lines);
}

/**
 * Copies the CA's certificate out of the agent, so that clients on this host can trust it.
 * With the agent gone, an earlier copy still holds.
 * @param tls where the edge's certificate comes from; unknown: from that CA
 * @returns its file; null before there is one, and where certificates are given
 */
export async function fetchCa(
  docker: Engine,
  view: StackView,
  tls?: EdgeConfig["tls"],
): Promise<string | null> {
  if (tls?.mode === "files") return null;
  const file = join(ROOT, caPath(view.stack));
  const kept = await readFile(file).catch(() => undefined);
  const agent = view.parts.find((part) => part.component === "agent");
  if (!agent) return kept && view.parts.length > 0 ? file : null;
  const current = await readFileFrom(docker, agent.id, CA_IN_AGENT);
  if (!current) return kept ? file : null;
  if (!kept?.equals(current)) {
    await writeAtomic(file, current);
  }
  return file;
}
