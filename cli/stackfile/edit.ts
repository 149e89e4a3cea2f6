import { existsSync } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { basename } from "node:path";
import { ConfigError } from "../../config/errors.ts";
import { checkStackFile } from "../../config/stack-file.ts";
import { stackFileOf } from "../context.ts";
import { CliError } from "../errors.ts";
import { lockFile, overlayFile } from "../pulumi/places.ts";
import { writeAtomic } from "../setup/files.ts";
import { locked } from "../setup/lock.ts";
import { unifiedDiff } from "./diff.ts";
import { readDocument, type StackDocument, writeDocument } from "./document.ts";

/** Outcome of an edit. */
export interface Edit {
  file: string;
  changed: boolean;
  /** Unified diff; empty if nothing changed. */
  diff: string;
}

/** The text of a stack's file; `undefined` where it is gone. */
export async function readStackFile(stack: string): Promise<string | undefined> {
  return readFile(stackFileOf(stack), "utf8").catch(() => undefined);
}

/** Reads a stack's file for a look at it. */
export async function openStackFile(stack: string): Promise<StackDocument> {
  const file = stackFileOf(stack);
  return readDocument(await readText(file, stack), basename(file));
}

/** Checks a stack's file, its text and what it declares. @throws ConfigError with every problem. */
export async function assertValid(stack: string): Promise<void> {
  const file = stackFileOf(stack);
  const problems = checkStackFile(await readText(file, stack), stack);
  if (problems.length > 0) throw new ConfigError(problems, basename(file));
}

/**
 * Edits a stack file: the result is checked as `pulumi up` would check it, and written in one step
 * (a reader sees the old or the new file), or not at all.
 * @throws ConfigError with every problem that the result has
 */
export async function editStackFile(
  stack: string,
  edit: (document: StackDocument) => void,
  options: { dryRun: boolean },
): Promise<Edit> {
  assertStackFile(stack);
  // Of two edits at once the second must see what the first has written.
  return locked(lockFile(stack, "edit"), `the stack file of "${stack}"`, () =>
    editLocked(stack, edit, options),
  );
}

async function editLocked(
  stack: string,
  edit: (document: StackDocument) => void,
  options: { dryRun: boolean },
): Promise<Edit> {
  const file = stackFileOf(stack);
  const before = await readText(file, stack);
  const windows = before.includes("\r\n");
  const document = readDocument(before.replaceAll("\r\n", "\n"), basename(file));
  edit(document);
  const written = writeDocument(document);
  const after = windows ? written.replaceAll("\n", "\r\n") : written;
  const problems = checkStackFile(after, stack);
  if (problems.length > 0) throw new ConfigError(problems, `the edited ${basename(file)}`);
  const diff = unifiedDiff(basename(file), before, after);
  if (diff !== "" && !options.dryRun) {
    // A link stays one: its target is written.
    const target = await realpath(file);
    await writeAtomic(target, after, (await stat(target)).mode);
  }
  return { file, changed: diff !== "", diff };
}

async function readText(file: string, stack: string): Promise<string> {
  assertStackFile(stack);
  return readFile(file, "utf8");
}

/** The stack whose file comes with the clone. */
const SHIPPED = "dev";
const COPY =
  "copy Pulumi.dev.yaml to that name, with other ports and another domain, or choose another stack with --stack";

/** @throws CliError when the stack has no file */
export function assertStackFile(stack: string): void {
  if (!existsSync(stackFileOf(stack))) throw noStackFile(stack);
}

/** Where a stack's file comes from: the last operation, the repository, or a copy of what is there. */
export function noStackFile(stack: string): CliError {
  const file = basename(stackFileOf(stack));
  const last = overlayFile(stack);
  const ways = [
    ...(existsSync(last) ? [`cp ${last} ${file} brings back what the last operation had`] : []),
    stack === SHIPPED ? `git checkout ${file}` : COPY,
  ];
  return new CliError({
    what: `there is no stack file ${file}`,
    why: `the stack "${stack}" has none in this clone`,
    fix: ways.join("; else "),
  });
}
