import { type AdminApi, AdminError, type DeployedFlows } from "../edge/admin.ts";
import { CliError } from "../errors.ts";
import { assertImportable } from "./check.ts";
import { planContext, saveContext } from "./context.ts";
import type { ContextValue, Found } from "./types.ts";

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
 * @throws CliError before anything is written for all that can be known before; for what a write itself is refused
 *   for, with what was written until then
 */
export async function applyImport(
  found: Found,
  admin: AdminApi,
  { into, replace, dryRun }: ImportWishes,
): Promise<ImportReport> {
  const target = await admin.target();
  assertImportable(found, target);
  const deployed = await admin.flows();
  const { flows: before } = deployed;
  if (before.length > 0 && !replace) {
    throw new CliError({
      what: `there are flows already: ${before.length} nodes`,
      why: "an import takes their place",
      fix: "--replace does it; the revision with them stays in the history",
    });
  }
  const context = planContext(found, target.context, into);
  if (!dryRun) await write(found, context.values, admin, deployed);
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

async function write(
  found: Found,
  values: readonly ContextValue[],
  admin: AdminApi,
  { rev }: DeployedFlows,
): Promise<void> {
  const written: Written = new Map();
  /** An answer that does not come says nothing of what was done: only a refusal does. */
  const step = async (part: Part, perhaps: string, done: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AdminError) || error.mayBeDone) written.set(part, perhaps);
      throw error;
    }
    written.set(part, done);
  };
  try {
    // Flows find the values when they start, and set no first ones in their place.
    if (values.length > 0) {
      const all = `${values.length} values of the shared context`;
      written.set("context", `up to ${all}`);
      await saveContext(values, admin);
      written.set("context", all);
    }
    const flows = withCredentials(found);
    await step("flows", "perhaps the flows", "the flows", () => admin.deploy(flows, rev));
    for (const [index, entry] of found.library.entries()) {
      const entries = `${index + 1} of ${found.library.length} library entries`;
      await step("library", `up to ${entries}`, entries, () => admin.saveLibrary(entry));
    }
  } catch (error) {
    throw written.size === 0 ? error : halfway(error, written);
  }
}

type Part = "context" | "flows" | "library";

/** What is there now in place of what was there before, for people. */
type Written = Map<Part, string>;

function halfway(error: unknown, written: Written): CliError {
  const { what, why, fix } =
    error instanceof CliError ? error : { what: (error as Error).message, why: "", fix: "" };
  const again = written.has("flows") ? "import again with --replace" : "import again";
  const all = [...written.values()].join(", ");
  return new CliError({
    what,
    why: [why, `written before, and not taken back: ${all}`].join("\n").trim(),
    fix: [fix, `when the cause is gone, ${again}: it writes all of it anew`].join("\n").trim(),
  });
}

/** The admin API takes credentials in clear as a property of their node, and encrypts them itself. */
function withCredentials({ flows, credentials }: Found) {
  return flows.map((node) => {
    const own = credentials[node.id];
    return own === undefined ? node : { ...node, credentials: own };
  });
}
