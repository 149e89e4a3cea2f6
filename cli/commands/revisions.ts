import type { Command } from "commander";
import { globals } from "../context.ts";
import { connectedEngine, type Engine } from "../engine/client.ts";
import { exec } from "../engine/exec.ts";
import type { Part } from "../engine/part.ts";
import { selectParts } from "../engine/select.ts";
import { readStack } from "../engine/view.ts";
import { CliError, EXIT } from "../errors.ts";
import { printJson, table } from "../output.ts";

/** The flow store may be failing over. */
const ANSWER_MS = 40_000;

/** One saved version of a flow set, as the runtime tells of it. */
interface Revision {
  revision: number;
  /** Who saved it; null for the platform itself. */
  user: string | null;
  at: string;
}

/** `redfleet revisions` and `redfleet rollback`: the saved versions of a cluster's or tenant's flows. */
export function registerRevisions(program: Command): void {
  program
    .command("revisions")
    .description("saved versions of a cluster's or tenant's flows, newest first")
    .argument("<name>", "cluster or tenant")
    .action(async (name: string, _options: unknown, command: Command) => {
      const { stack, json } = globals(command);
      const revisions = await ask<Revision[]>(stack, name, ["list"]);
      if (json) return printJson(revisions);
      const rows = revisions.map(({ revision, user, at }) => [String(revision), at, user ?? "-"]);
      console.log(table([["REVISION", "SAVED", "BY"], ...rows]));
    });
  program
    .command("rollback")
    .description("make an old version of the flows the newest one; replicas follow as on a deploy")
    .argument("<name>", "cluster or tenant")
    .argument("<revision>", "number out of redfleet revisions")
    .action(async (name: string, wanted: string, _options: unknown, command: Command) => {
      const { stack, json } = globals(command);
      const done = await ask<{ revision: number; restored: number }>(stack, name, [
        "rollback",
        requireRevision(wanted, name),
      ]);
      if (json) return printJson(done);
      console.log(`revision ${done.revision} has the flows of revision ${done.restored}`);
      console.log("redfleet status shows where it runs");
    });
}

function requireRevision(text: string, name: string): string {
  if (/^[1-9]\d{0,9}$/.test(text)) return text;
  throw new CliError({
    what: `"${text}" is not a revision`,
    why: "revisions are the numbers 1, 2, 3 …",
    fix: `redfleet revisions ${name}`,
    exitCode: EXIT.usage,
  });
}

/** Asks the container that edits the flows: it has the store's address, password and keys. */
async function ask<T>(stack: string, name: string, words: readonly string[]): Promise<T> {
  const docker = await connectedEngine();
  const { name: container } = await editorOf(docker, stack, name);
  const command = ["node", "/app/runtime/revisions.ts", ...words];
  const { stdout, stderr } = await exec(docker, container, command, ANSWER_MS);
  const answer = parse<T | { error: string }>(stdout);
  if (answer === undefined) {
    throw new CliError({
      what: `${container} did not answer`,
      why: stderr.trim() || stdout.trim() || "it printed nothing",
      fix: `redfleet logs ${container}`,
    });
  }
  if (!(answer instanceof Object && "error" in answer)) return answer;
  throw new CliError({ what: answer.error, fix: `redfleet revisions ${name}` });
}

async function editorOf(docker: Engine, stack: string, name: string): Promise<Part> {
  const parts = selectParts(await readStack(docker, stack), name);
  const found = parts.find(({ component }) => component === "editor" || component === "tenant");
  if (found?.status === "running") return found;
  throw new CliError({
    what: found ? `${found.name} is ${found.status}` : `"${name}" has no flows of its own`,
    why: "a cluster's editor, or a tenant's runtime, reads and writes the revisions",
    fix: `redfleet status --stack ${stack}`,
  });
}

/** The last line is the answer. */
function parse<T>(stdout: string): T | undefined {
  try {
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  } catch {
    return undefined;
  }
}
