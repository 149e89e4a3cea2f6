import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { ROOT } from "../context.ts";
import { CliError } from "../errors.ts";

/** `redfleet test` and `redfleet bench`: the clone's own test and benchmark runners. */
export function registerRunners(program: Command): void {
  addRunner(program, "test", "run the tests: all tiers, or those named", "test/run.ts");
  addRunner(program, "bench", "run the benchmarks: all, or those named", "test/bench/run.ts");
}

function addRunner(program: Command, name: string, description: string, file: string): void {
  program
    .command(name)
    .description(description)
    .argument("[args...]", "handed on as they are")
    .allowUnknownOption()
    .helpOption(false)
    .action(async (args: string[], _options: unknown, command: Command) => {
      process.exitCode = await runFile(file, [...args, ...ownOptions(command)]);
    });
}

/** The options that main.ts takes for itself wherever they stand, for the runner again. */
function ownOptions(command: Command): string[] {
  const { stack, json } = command.optsWithGlobals<{ stack: string; json?: boolean }>();
  const named = command.parent?.getOptionValueSource("stack") === "cli";
  return [...(named ? ["--stack", stack] : []), ...(json ? ["--json"] : [])];
}

function runFile(file: string, args: readonly string[]): Promise<number> {
  if (!existsSync(join(ROOT, file))) {
    throw new CliError({
      what: `${file} is missing from this clone`,
      fix: `git checkout -- ${file}`,
    });
  }
  return run([join(ROOT, file), ...args]);
}

/** Runs another command of ours in a process of its own; returns its exit code. */
export function runRedfleet(args: readonly string[]): Promise<number> {
  return run([join(ROOT, "cli", "main.ts"), ...args]);
}

function run(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
  });
}
