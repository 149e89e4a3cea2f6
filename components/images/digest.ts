import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { canonicalJson } from "../../config/canonical.ts";
import { ignoreMatcher } from "./ignore.ts";

/**
 * `redfleet/<folder>:<digest>`: a tag that says what is in the image. The same files and arguments give
 * the same tag on every machine, so nothing changed means nothing built and nothing replaced.
 * @param folder under `images/`, e.g. `node-red`
 * @param args build arguments, base images included
 * @param root folder that holds `images/`; the project by default
 * @param context folder to build instead
 */
export function imageTag(
  folder: string,
  args: Readonly<Record<string, string>>,
  root = ".",
  context = join(root, "images", folder),
): string {
  const hash = createHash("sha256").update(canonicalJson(args));
  for (const file of contextFiles(context)) {
    const { mode, content } = read(join(context, file));
    hash.update(`\0${file}\0${mode}\0`).update(content);
  }
  return `redfleet/${folder}:${hash.digest("hex").slice(0, 16)}`;
}

/** A link is where it leads to: the engine gets the link, not the file. */
function read(path: string): { mode: string; content: string | Buffer } {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) return { mode: "l", content: readlinkSync(path) };
  return { mode: found.mode & 0o111 ? "x" : "-", content: readFileSync(path) };
}

/**
 * Files and links of a build context that the engine gets, sorted, with `/` on every system. An ignore file keeps
 * the Dockerfile from the image, not from the build. Empty folders do not count: Git does not keep them.
 */
export function contextFiles(context: string): string[] {
  const ignored = ignoreMatcher(readIgnoreFile(context));
  return readdirSync(context, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => relative(context, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((file) => file === "Dockerfile" || !ignored(file))
    .sort();
}

function readIgnoreFile(context: string): string {
  try {
    return readFileSync(join(context, ".dockerignore"), "utf8");
  } catch {
    return "";
  }
}
