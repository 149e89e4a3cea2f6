import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { CliError, EXIT } from "./errors.ts";

/**
 * The text of a file that an argument names, or of standard input, which `-` stands for.
 * @param wanted what the file has to be, for the message: `a stack file`
 * @throws CliError when it cannot be read
 */
export async function readInput(path: string, wanted: string): Promise<string> {
  try {
    return await (path === "-" ? text(process.stdin) : readFile(path, "utf8"));
  } catch (error) {
    throw new CliError({
      what: `${path === "-" ? "standard input" : path} cannot be read`,
      why: (error as Error).message,
      fix: `name ${wanted}, or - for standard input`,
      exitCode: EXIT.usage,
    });
  }
}
