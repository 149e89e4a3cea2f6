import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { localPath } from "../config/local.ts";
import { stackNameProblem } from "../config/names.ts";
import { CliError, EXIT } from "./errors.ts";

/** The clone that this command belongs to. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Options that every command takes, before or after its name. */
export interface Globals {
  /** Stack name; default `dev`. */
  stack: string;
  /** Print one JSON document instead of text. */
  json: boolean;
}

/** Reads the options that main.ts declares once for all commands. */
export function globals(command: Command): Globals {
  const { stack, json } = command.optsWithGlobals<{ stack: string; json?: boolean }>();
  const problem = stackNameProblem(stack);
  if (problem !== undefined) {
    throw new CliError({
      what: `"${stack}" is not a stack name`,
      why: "it starts the names of containers, networks and volumes",
      fix: problem,
      exitCode: EXIT.usage,
    });
  }
  return { stack, json: json === true };
}

/** The stack file in the clone: `Pulumi.<stack>.yaml`. */
export const stackFileOf = (stack: string): string => join(ROOT, `Pulumi.${stack}.yaml`);

/** The stack that a file's name stands for; undefined for one that is not called `Pulumi.<stack>.yaml`. */
export const stackOfFile = (name: string): string | undefined =>
  /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1];

/** Where a stack's local files are (git-ignored). */
export const localDirectory = (stack: string): string => join(ROOT, localPath(stack));
