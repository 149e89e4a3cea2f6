import { join } from "node:path";
import { ROOT } from "../context.ts";
import { CliError } from "../errors.ts";
import { type RunResult, tryRun } from "../setup/exec.ts";

/** The Pulumi command with this clone's backend, passphrase and plugins. */
const PULUMI = join(ROOT, "cli", "pulumi", "main.ts");

/** Runs Pulumi in the clone to its end and captures its output; never asks anything. */
export function pulumi(args: readonly string[]): Promise<RunResult> {
  const command = [PULUMI, ...args, "--non-interactive"];
  return tryRun(process.execPath, command, { cwd: ROOT, timeoutSeconds: 300 });
}

/** One output of a stack, secrets in clear. */
export async function stackOutput<T>(stack: string, name: string): Promise<T> {
  const args = ["stack", "output", name, "--stack", stack, "--show-secrets", "--json"];
  const { code, stdout, tail } = await pulumi(args);
  if (code === 0) return JSON.parse(stdout) as T;
  throw new CliError({
    what: `the ${name} of the stack "${stack}" cannot be read`,
    why: tail.trim().replace(/^error: /, ""),
    fix: `outputs are there once an up has ended well: redfleet up --stack ${stack}`,
  });
}
