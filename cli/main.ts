import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { registerDoctor } from "./commands/doctor.ts";
import { registerDown } from "./commands/down.ts";
import { registerEnv } from "./commands/env.ts";
import { registerImport } from "./commands/import.ts";
import { registerLogs } from "./commands/logs.ts";
import { registerOpen } from "./commands/open.ts";
import { registerPassword } from "./commands/password.ts";
import { registerPreviewSummary } from "./commands/preview-summary.ts";
import { registerRestart } from "./commands/restart.ts";
import { registerRevisions } from "./commands/revisions.ts";
import { registerRunners } from "./commands/run.ts";
import { registerStatus } from "./commands/status.ts";
import { registerTenant } from "./commands/tenant.ts";
import { registerUp } from "./commands/up.ts";
import { registerUser } from "./commands/user.ts";
import { registerValidate } from "./commands/validate.ts";
import { type Globals, ROOT } from "./context.ts";
import { EXIT, explain, renderExplanation } from "./errors.ts";
import { hintsFor } from "./hint.ts";

/** Order of the help: bring it up, look, log in, work with it, change it, check it, take it down. */
const COMMANDS = [
  registerUp,
  registerStatus,
  registerPassword,
  registerUser,
  registerOpen,
  registerLogs,
  registerRestart,
  registerTenant,
  registerImport,
  registerRevisions,
  registerValidate,
  registerDoctor,
  registerPreviewSummary,
  registerEnv,
  registerDown,
  registerRunners,
];

function createProgram(): Command {
  const program = new Command("redfleet")
    .description("a fleet of Node-RED runtimes as code")
    .version(version(), "--version", "print the version of this clone")
    .option("--stack <name>", "stack to work on", process.env.REDFLEET_STACK ?? "dev")
    .option("--json", "print one JSON document instead of text")
    .showHelpAfterError("(redfleet --help lists all commands)")
    .hook("preAction", (_, command) => hintsFor(command.optsWithGlobals<Globals>().stack))
    .exitOverride();
  for (const register of COMMANDS) register(program);
  for (const command of program.commands) command.copyInheritedSettings(program);
  return program;
}

function version(): string {
  const manifest = readFileSync(join(ROOT, "package.json"), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The one place where an error becomes a message and an exit code. */
function fail(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  const explanation = explain(error);
  console.error(renderExplanation(explanation));
  if (process.env.REDFLEET_TRACE) console.error(error);
  return explanation.exitCode ?? EXIT.failed;
}

// `redfleet logs … | head` closes the pipe: that is no failure
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = fail(error);
}
