import type { AdminApi } from "../edge/admin.ts";
import { CliError } from "../errors.ts";
import { assertImportable } from "./check.ts";
import { planContext, saveContext } from "./context.ts";
import type { Found } from "./types.ts";

/** What an import has done, or would do. */
export interface ImportReport {
  readonly system: string;
  readonly tabs: number;
  readonly nodes: number;
  /** Nodes that brought credentials. */
  readonly credentials: number;
  readonly library: number;
  /** Values of the shared context. */
  readonly context: number;
  readonly modules: Readonly<Record<string, string>>;
  readonly leftOut: readonly string[];
  /** What a person should see to for the flows to do what they did. */
  readonly notes: readonly string[];
  /** Nodes that were deployed before and now are not; they stay in the history of revisions. */
  readonly replaced: number;
  readonly applied: boolean;
}

/** How an import is meant. */
export interface ImportWishes {
  /** Key of the cluster or tenant. */
  readonly into: string;
  /** Flows that are there may give way. */
  readonly replace: boolean;
  /** Nothing is changed. */
  readonly dryRun: boolean;
}

/**
 * Takes over what was found: shared context, flows with their credentials in one save, then the library.
 * @throws CliError before anything is changed when it cannot be imported whole
 */
export async function applyImport(
  found: Found,
  admin: AdminApi,
  { into, replace, dryRun }: ImportWishes,
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
  const context = await planContext(found, admin, into);
  if (!dryRun) {
    // Flows find the values when they start, and set no first ones in their place.
    await saveContext(context.values, admin);
    await admin.deploy(withCredentials(found), rev);
    for (const entry of found.library) await admin.saveLibrary(entry);
  }
  const { system, flows, credentials, library, modules } = found;
  const tabs = flows.filter(({ type }) => type === "tab").length;
  const counts = { tabs, nodes: flows.length - tabs, library: library.length };
  return {
    system,
    ...counts,
    credentials: Object.keys(credentials).length,
    context: context.values.length,
    modules,
    leftOut: [...context.leftOut, ...found.leftOut],
    notes: context.notes,
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
