import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ROOT } from "../context.ts";
import { CliError } from "../errors.ts";

/** The Pulumi command with this clone's backend and passphrase. */
const PULUMI = join(ROOT, "cli", "bin", "pulumi.mjs");

/** Runs Pulumi in the clone and captures its output; never asks anything. */
export async function pulumi(
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [PULUMI, ...args, "--non-interactive"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}

/** One output of a stack, secrets in clear. */
export async function stackOutput<T>(stack: string, name: string): Promise<T> {
  const args = ["stack", "output", name, "--stack", stack, "--show-secrets", "--json"];
  const { code, stdout, stderr } = await pulumi(args);
  if (code === 0) return JSON.parse(stdout) as T;
  throw new CliError({
    what: `the stack "${stack}" has no output "${name}"`,
    why: stderr.trim().replace(/^error: /, ""),
    fix: "outputs are known once an up has ended well: redfleet up",
  });
}
