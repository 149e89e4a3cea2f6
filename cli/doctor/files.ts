import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { formatProblem } from "../../config/errors.ts";
import { checkStackFile } from "../../config/stack-file.ts";
import { ROOT, stackOfFile } from "../context.ts";
import { type Check, fail, ok } from "./check.ts";

/** Every stack file of the clone, as `pulumi up` would check it. */
export async function checkStackFiles(directory = ROOT): Promise<Check[]> {
  const names = (await readdir(directory)).filter((name) => stackOfFile(name) !== undefined).sort();
  return Promise.all(
    names.map(async (name) => judgeStackFile(name, await readFile(join(directory, name), "utf8"))),
  );
}

/** All problems of one file. */
export function judgeStackFile(name: string, text: string): Check {
  const problems = checkStackFile(text, stackOfFile(name) ?? "");
  if (problems.length === 0) return ok(name, "every value is allowed");
  const lines = problems.map(formatProblem).join("\n");
  return fail(name, lines, "docs/errors.md explains the codes in brackets");
}
