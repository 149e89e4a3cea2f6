import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { formatProblem } from "../../config/errors.ts";
import { checkStackFile } from "../../config/stack-file.ts";
import { ROOT } from "../context.ts";
import { type Check, fail, ok } from "./check.ts";

const STACK_FILE = /^Pulumi\.([a-z][a-z0-9-]*)\.yaml$/;

/** Every stack file of the clone, as `pulumi up` would check it. */
export async function checkStackFiles(directory = ROOT): Promise<Check[]> {
  const names = (await readdir(directory)).filter((name) => STACK_FILE.test(name)).sort();
  return Promise.all(
    names.map(async (name) => judgeStackFile(name, await readFile(join(directory, name), "utf8"))),
  );
}

/** All problems of one file. */
export function judgeStackFile(name: string, text: string): Check {
  const stack = STACK_FILE.exec(name)?.[1] ?? "";
  const problems = checkStackFile(text, stack);
  if (problems.length === 0) return ok(name, "every value is allowed");
  const lines = problems.map(formatProblem).join("\n");
  return fail(name, lines, "docs/errors.md explains the codes in brackets");
}
