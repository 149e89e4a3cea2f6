import { ROOT } from "../context.ts";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { type RunResult, tryRun } from "../setup/exec.ts";
import { assertStackFile } from "../stackfile/edit.ts";
import { pulumiBinary, pulumiEnvironment, writeOverlay } from "./environment.ts";
import { knownCause } from "./failure.ts";
import { ensureLocalState } from "./local.ts";
import { hasState } from "./state.ts";

/** Runs Pulumi on a stack to its end and captures its output; never asks anything. */
export async function pulumi(stack: string, args: readonly string[]): Promise<RunResult> {
  await ensureLocalState();
  await writeOverlay(stack);
  const command = [...args, "--stack", stack, "--non-interactive"];
  const env = pulumiEnvironment(stack);
  return tryRun(pulumiBinary(), command, { cwd: ROOT, env, timeoutSeconds: 300 });
}

/** One output of a stack, secrets in clear. */
export async function stackOutput<T>(stack: string, name: string): Promise<T> {
  if (!hasState(stack)) assertStackFile(stack);
  const args = ["stack", "output", name, "--show-secrets", "--json"];
  const { code, stdout, tail } = await pulumi(stack, args);
  if (code === 0) return JSON.parse(stdout) as T;
  const why = tail.trim().replace(/^error: /, "");
  throw new CliError(
    knownCause(stack, why) ?? {
      what: `the ${name} of the stack "${stack}" cannot be read`,
      why,
      fix: `outputs are there once an up has ended well: ${redfleet("up", stack)}`,
    },
  );
}
