import { basename } from "node:path";
import type { Command } from "commander";
import { ConfigError, type Problem } from "../../config/errors.ts";
import { checkStackFile } from "../../config/stack-file.ts";
import { globals, stackFileOf, stackOfFile } from "../context.ts";
import { EXIT } from "../errors.ts";
import { readInput } from "../input.ts";
import { printJson } from "../output.ts";
import { assertStackFile } from "../stackfile/edit.ts";

/** What `redfleet validate --json` prints. */
interface Validation {
  readonly file: string;
  readonly stack: string;
  readonly valid: boolean;
  readonly problems: readonly Problem[];
}

/** `redfleet validate`: a stack file by itself; asks no engine, reads no state, changes nothing. */
export function registerValidate(program: Command): void {
  program
    .command("validate")
    .description("check a stack file with no engine; exit code 1 when anything is wrong")
    .argument("[file]", "stack file, - for standard input; default: the one of --stack")
    .action(async (file: string | undefined, _options: unknown, command: Command) => {
      const { stack, json } = globals(command);
      if (file === undefined) assertStackFile(stack);
      const result = await validate(file ?? stackFileOf(stack), stack);
      if (json) printJson(result);
      else if (!result.valid) throw new ConfigError(result.problems, result.file);
      else console.log(`${result.file} is valid for the stack "${result.stack}"`);
      if (!result.valid) process.exitCode = EXIT.failed;
    });
}

/** @param fallback the stack of a file whose name is not `Pulumi.<stack>.yaml` */
async function validate(path: string, fallback: string): Promise<Validation> {
  const file = path === "-" ? "standard input" : basename(path);
  const stack = stackOfFile(file) ?? fallback;
  const problems = checkStackFile(await readInput(path, "a stack file"), stack);
  return { file, stack, valid: problems.length === 0, problems };
}
