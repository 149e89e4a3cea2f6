import type { Target } from "../edge/admin.ts";
import { CliError } from "../errors.ts";
import type { FlowNode, Found, LibraryEntry } from "./types.ts";

/** Types that are no nodes of the palette. */
const STRUCTURE = /^(tab|group|junction|subflow|subflow:.*)$/;

/** Most problems that are listed one by one. */
const SHOWN = 20;

/**
 * Refuses flows that a deploy would damage, or would refuse after other things were written.
 * @throws CliError with every problem at once
 */
export function assertImportable(found: Found, { types, functionModules }: Target): void {
  const problems = shapeProblems(found.flows);
  if (problems.length === 0) {
    problems.push(...typeProblems(found, types), ...moduleProblems(found, functionModules));
  }
  problems.push(...libraryProblems(found.library));
  if (problems.length === 0) return;
  const more = problems.length - SHOWN;
  throw new CliError({
    what: `these flows cannot be imported: ${problems.length} problem${problems.length === 1 ? "" : "s"}`,
    why: [...problems.slice(0, SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join("\n"),
    fix: "correct them at the source (or what is allowed here), then import again; nothing was changed",
  });
}

function shapeProblems(flows: unknown): string[] {
  if (!Array.isArray(flows)) return [`flows: ${typeof flows}; they must be a list of nodes`];
  if (flows.length === 0) return ["flows: an empty list; there is nothing to import"];
  const seen = new Set<string>();
  return flows.flatMap((node: Partial<FlowNode> | null, index) => {
    const { id, type } = node ?? {};
    if (typeof id !== "string" || id === "") return [`flows[${index}].id: ${id}; must be a text`];
    const twice = seen.has(id) ? [`flows[${index}].id: "${id}" is there twice`] : [];
    seen.add(id);
    if (typeof type === "string" && type !== "") return twice;
    return [...twice, `flows[${index}].type: ${type}; must be a text (node ${id})`];
  });
}

/** Flows in the library are JSON; all other entries are text. */
function libraryProblems(library: readonly LibraryEntry[]): string[] {
  return library.flatMap(({ type, path, body }) => {
    if (type !== "flows" || isJson(body)) return [];
    return [`library entry flows/${path}: its text is no JSON`];
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A flow set with an unknown type does not start at all, and such a node loses its credentials. */
function typeProblems({ flows, modules }: Found, types: ReadonlySet<string>): string[] {
  const unknown = new Map<string, number>();
  for (const { type } of flows) {
    if (STRUCTURE.test(type) || types.has(type)) continue;
    unknown.set(type, (unknown.get(type) ?? 0) + 1);
  }
  const names = Object.entries(modules).map(([name, version]) => `${name}@${version}`);
  const hint = names.length === 0 ? "" : `; the source has the modules ${names.join(", ")}`;
  return [...unknown].map(
    ([type, count]) => `type "${type}" (${count} nodes) is not in the palette here${hint}`,
  );
}

/** A module's name, without a path within it and without a version, as Node-RED takes it apart. */
const MODULE_NAME = /^(?:@[^/]+\/)?[^/@]+/;

/** Modules that functions want and may not load here. */
function moduleProblems({ flows }: Found, allowed: readonly string[] | undefined): string[] {
  if (allowed === undefined) return [];
  const patterns = allowed.map(
    (pattern) => new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`),
  );
  const refused = new Map<string, number>();
  for (const { type, libs, d: isDisabled } of flows) {
    if (type !== "function" || isDisabled || !Array.isArray(libs)) continue;
    for (const { module } of libs as { module?: unknown }[]) {
      const text = String(module ?? "");
      // Node-RED asks for the name when the flows are deployed, and for the whole when the function starts.
      const wanted = [MODULE_NAME.exec(text)?.[0] ?? "", text];
      const name = wanted.find(
        (one) => one !== "" && !patterns.some((pattern) => pattern.test(one)),
      );
      if (name !== undefined) refused.set(name, (refused.get(name) ?? 0) + 1);
    }
  }
  return [...refused].map(
    ([name, count]) =>
      `module "${name}" (${count} functions) may not be loaded here; functionModules in the stack file allows it`,
  );
}
