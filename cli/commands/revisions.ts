import { userInfo } from "node:os";
import type { Command } from "commander";
import { globals } from "../context.ts";
import { askRuntime } from "../engine/runtime-script.ts";
import { CliError, EXIT } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { printJson, table } from "../output.ts";

/** One saved version of a flow set, as the runtime tells of it. */
interface Revision {
  revision: number;
  /** Who saved it, `<who>, rollback to <revision>` for a rollback; null for the platform itself. */
  user: string | null;
  at: string;
  /** Why nobody applies it. */
  held?: string;
}

/** `redfleet revisions` and `redfleet rollback`: the saved versions of a cluster's or tenant's flows. */
export function registerRevisions(program: Command): void {
  program
    .command("revisions")
    .description("saved versions of a cluster's or tenant's flows, newest first")
    .argument("<name>", "cluster or tenant")
    .action(async (name: string, _options: unknown, command: Command) => {
      const { stack, json } = globals(command);
      const revisions = await askRuntime<Revision[]>(stack, name, question(stack, name, ["list"]));
      if (json) return printJson(revisions);
      const rows = revisions.map(({ revision, user, at, held = "" }) => [
        ...[String(revision), at, user ?? "-", held],
      ]);
      console.log(table([["REVISION", "SAVED", "BY", ""], ...rows]));
    });
  program
    .command("rollback")
    .description("make an old version of the flows the newest one; replicas follow as on a deploy")
    .argument("<name>", "cluster or tenant")
    .argument("<revision>", "number out of redfleet revisions")
    .action(async (name: string, wanted: string, _options: unknown, command: Command) => {
      const { stack, json } = globals(command);
      const done = await askRuntime<{ revision: number; restored: number }>(
        stack,
        name,
        question(stack, name, ["rollback", requireRevision(stack, name, wanted), whoRunsThis()]),
      );
      if (json) return printJson(done);
      console.log(`revision ${done.revision} has the flows of revision ${done.restored}`);
      console.log(`${redfleet("status", stack)} shows where it runs`);
    });
}

/** The person at this machine; the one who became root by sudo, not root. */
function whoRunsThis(): string {
  try {
    return process.env.SUDO_USER ?? userInfo().username;
  } catch {
    // a user id without a name, as containers have them
    return "";
  }
}

function requireRevision(stack: string, name: string, text: string): string {
  if (/^[1-9]\d{0,9}$/.test(text)) return text;
  throw new CliError({
    what: `"${text}" is not a revision`,
    why: "revisions are the numbers 1, 2, 3 …",
    fix: redfleet(`revisions ${name}`, stack),
    exitCode: EXIT.usage,
  });
}

const question = (stack: string, name: string, words: readonly string[]) => ({
  ...{ script: "revisions.ts", words, fix: redfleet(`revisions ${name}`, stack) },
});
