import type { AdminApi } from "../edge/admin.ts";
import { CliError } from "../errors.ts";
import { assertImportable } from "./check.ts";
import type { Found } from "./types.ts";

/** What an import has done, or would do. */
export interface ImportReport {
  readonly system: string;
  readonly tabs: number;
  readonly nodes: number;
  /** Nodes that brought credentials. */
  readonly credentials: number;
  readonly library: number;
  readonly modules: Readonly<Record<string, string>>;
  readonly leftOut: readonly string[];
  /** Nodes that were deployed before and now are not; they stay in the history of revisions. */
  readonly replaced: number;
  readonly applied: boolean;
}

/**
 * Deploys what was found: flows with their credentials in one save, then the library.
 * @param replace whether flows that are there may give way
 * @throws CliError before anything is changed when it cannot be imported whole
 */
export async function applyImport(
  found: Found,
  admin: AdminApi,
  { replace, dryRun }: { replace: boolean; dryRun: boolean },
): Promise<ImportReport> {
  assertImportable(found, await admin.nodeTypes());
  const { flows: before, rev } = await admin.flows();
  if (before.length > 0 && !replace) {
    throw new CliError({
      what: `there are flows already: ${before.length} nodes`,
      why: "an import takes their place",
      fix: "--replace does it; the revision with them stays in the history",
    });
  }
  if (!dryRun) {
    await admin.deploy(withCredentials(found), rev);
    for (const entry of found.library) await admin.saveLibrary(entry);
  }
  const { system, flows, credentials, library, modules, leftOut } = found;
  const tabs = flows.filter(({ type }) => type === "tab").length;
  const counts = { tabs, nodes: flows.length - tabs, library: library.length };
  return {
    system,
    ...counts,
    credentials: Object.keys(credentials).length,
    modules,
    leftOut,
    replaced: before.length,
    applied: !dryRun,
  };
}

/** The admin API takes credentials in clear as a property of their node, and encrypts them itself. */
function withCredentials({ flows, credentials }: Found) {
  return flows.map((node) => {
    const own = credentials[node.id];
    return own === undefined ? node : { ...node, credentials: own };
  });
}
