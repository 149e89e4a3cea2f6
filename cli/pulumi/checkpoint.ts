import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { localDirectory } from "../context.ts";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { say } from "../setup/progress.ts";
import { beginAnew } from "./passphrase.ts";
import { checkpointFile } from "./places.ts";

/** Checkpoints that are kept from before each operation. */
const KEEP = 20;

/** Where a stack's checkpoint is, and what stands in for it. */
export interface CheckpointFiles {
  readonly current: string;
  /** Folder of our copies, one from before each operation. */
  readonly backups: string;
  /** Folder of checkpoints that could not be read. */
  readonly broken: string;
}

const filesOf = (stack: string): CheckpointFiles => ({
  current: checkpointFile(stack),
  backups: join(localDirectory(stack), "backups"),
  broken: join(localDirectory(stack), "broken"),
});

/**
 * Sees to it that the stack's checkpoint can be read. One that was cut off (a full disk, a lost power) is put
 * aside, and the newest backup that is whole takes its place: Pulumi's own, which is one write older, or ours.
 * @returns false if there is none, or nothing was ever written: the stack is to be made
 * @throws CliError when there are backups and none can be read
 */
export function ensureCheckpoint(stack: string): boolean {
  return restoreIfBroken(stack, filesOf(stack));
}

/** @see ensureCheckpoint */
export function restoreIfBroken(stack: string, files: CheckpointFiles): boolean {
  const { current, broken } = files;
  if (!existsSync(current)) return false;
  if (isWhole(current)) return true;
  const backups = newestFirst(files);
  const good = backups.find(isWhole);
  if (backups.length > 0 && good === undefined) throw allBroken(stack, current, backups);
  mkdirSync(broken, { recursive: true, mode: 0o700 });
  const aside = join(broken, `${stamp()}-${basename(current)}`);
  if (good === undefined) {
    renameSync(current, aside);
    say(`  The state ${current} was cut off at its first write: it is kept as ${aside}`);
    return false;
  }
  copyFileSync(current, aside);
  replaceBy(good, current);
  const time = statSync(good).mtime.toISOString();
  say(`  The state ${current} cannot be read: it is kept as ${aside}`);
  say(`  In its place: ${good}, of ${time}`);
  return true;
}

/** Keeps a copy of the checkpoint as it is before an operation. */
export function backUpState(stack: string): void {
  const { current: file, backups } = filesOf(stack);
  if (!existsSync(file)) return;
  mkdirSync(backups, { recursive: true, mode: 0o700 });
  const kept = readdirSync(backups).sort();
  const newest = kept.at(-1);
  if (newest && readFileSync(join(backups, newest)).equals(readFileSync(file))) return;
  copyFileSync(file, join(backups, `${stamp()}.json`));
  for (const name of kept.slice(0, Math.max(0, kept.length + 1 - KEEP))) {
    rmSync(join(backups, name), { force: true });
  }
}

/** Our newest copy of the stack's checkpoint that is whole. Pulumi's own stays where a stack was removed, so it says nothing. */
export function newestBackup(stack: string): string | undefined {
  const { backups } = filesOf(stack);
  if (!existsSync(backups)) return undefined;
  const names = readdirSync(backups).sort().reverse();
  return names.map((name) => join(backups, name)).find(isWhole);
}

/** True for a file that is a checkpoint from its beginning to its end. */
export function isWhole(file: string): boolean {
  try {
    const { checkpoint } = JSON.parse(readFileSync(file, "utf8")) as { checkpoint?: unknown };
    return typeof checkpoint === "object" && checkpoint !== null;
  } catch {
    return false;
  }
}

function newestFirst({ current, backups }: CheckpointFiles): string[] {
  const own = existsSync(backups) ? readdirSync(backups).map((name) => join(backups, name)) : [];
  const age = (file: string) => -statSync(file).mtimeMs;
  return [`${current}.bak`, ...own].filter(existsSync).sort((a, b) => age(a) - age(b));
}

/** In one step: whoever is killed here leaves the one or the other. */
function replaceBy(source: string, target: string): void {
  const copy = join(dirname(target), `.${basename(target)}.restored`);
  copyFileSync(source, copy);
  renameSync(copy, target);
}

const stamp = () => new Date().toISOString().replaceAll(":", "-");

function allBroken(stack: string, current: string, backups: readonly string[]): CliError {
  return new CliError({
    what: `the state of the stack "${stack}" cannot be read, and neither can its backups`,
    why: `${[current, ...backups].join("\n")}\nare no whole checkpoints; nothing was changed`,
    fix: [
      `put a copy of one of them back, then ${redfleet("up", stack)}`,
      ...beginAnew([stack], [current, `${current}.bak`, localDirectory(stack)]),
    ].join("\n"),
  });
}
