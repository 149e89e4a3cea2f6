import { LABEL } from "../engine/labels.ts";

/** One step of `pulumi preview --json`, cut to what is read here. */
export interface PreviewStep {
  op: string;
  urn: string;
  oldState?: StepState;
  newState?: StepState;
  replaceReasons?: string[] | null;
  diffReasons?: string[] | null;
}

interface StepState {
  type: string;
  retainOnDelete?: boolean;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/** What `pulumi preview --json` prints. */
export interface Preview {
  steps?: PreviewStep[];
}

/** What a change means for those who use the platform, the worst last. */
const EFFECTS = [
  "created",
  "changed in place",
  "made anew",
  "restarted",
  "removed",
  "data lost",
] as const;
export type Effect = (typeof EFFECTS)[number];

/** One resource that changes. */
export interface Change {
  /** Who it belongs to: `tenant acme`, `cluster main`, `mongodb`. */
  owner: string;
  effect: Effect;
  resource: string;
  /** Fields that force it, if it is replaced. */
  because: string[];
}

const FOR_GOOD =
  "erased for good (it is under confirmDestroy; taken out after this up, emptied volumes go too)";

const VOLUME = "docker:index/volume:Volume";
const CONTAINER = "docker:index/container:Container";
const NETWORK = "docker:index/network:Network";
const IMAGE = "docker:index/remoteImage:RemoteImage";

/**
 * Resources that say nothing by themselves: the files of a container change together with it, and
 * components, passwords and the provider are no parts of the platform.
 */
const SILENT = /\.files$/;
/** Volumes that are made again from the stack file. */
const RECORDS = /\.(route|files|config|run|tls-[a-z]+)$/;
/** What the jobs erase that take the place of what a confirmed destruction ends, by their commands. */
const ERASERS: Readonly<Record<string, { readonly tenant: string; readonly cluster: string }>> = {
  "/app/jobs/erase.ts": {
    tenant: "database, user and files",
    cluster: "database, user, credential secret and the editor's files",
  },
  "/redfleet/erase-user": { tenant: "", cluster: "user and all keys in Valkey" },
};

/** Everything that a preview would change, in the order of its owners. */
export function summarise({ steps = [] }: Preview): Change[] {
  const known = { keys: keysOf(steps), images: imagesOf(steps) };
  const changes = steps.flatMap((step) => changeOf(step, known) ?? []);
  return changes.sort((a, b) => order(a).localeCompare(order(b), "en", { numeric: true }));
}

const order = (change: Change): string => `${change.owner} ${change.resource}`;

/**
 * Tenants and clusters that have another key than at first, as `tenant acme` -> `shop`: their objects keep the
 * names that they had, and each one's route says what it is called now.
 */
function keysOf(steps: readonly PreviewStep[]): ReadonlyMap<string, string> {
  return new Map(
    steps.flatMap((step) => {
      const key = labelsOf(step)[LABEL.name];
      const { owner, resource } = ownerOf(nameOf(step));
      return key !== undefined && resource === "route" ? [[owner, key] as const] : [];
    }),
  );
}

/** What the steps say of other resources than their own. */
interface Known {
  readonly keys: ReadonlyMap<string, string>;
  /** Names by ids: `node-red-5`. An image that is to be built has no id yet, one that stays is told by --show-sames. */
  readonly images: ReadonlyMap<unknown, string>;
}

function imagesOf(steps: readonly PreviewStep[]): Known["images"] {
  return new Map(
    steps
      .filter((step) => typeOf(step) === IMAGE)
      .map((step) => [step.oldState?.outputs?.imageId, nameOf(step).replace("image-", "")]),
  );
}

/** `image node-red-4 → node-red-5` where a container gets one of another name. */
function reason(field: string, { oldState, newState }: PreviewStep, { images }: Known): string {
  if (field !== "image") return field;
  const before = images.get(oldState?.inputs?.image);
  const after = images.get(newState?.inputs?.image);
  return before && after && before !== after ? `image ${before} → ${after}` : field;
}

/** Labels that a resource is to have, as the provider takes them. */
function labelsOf({ newState }: PreviewStep): Record<string, string> {
  const labels = newState?.inputs?.labels;
  const pairs = (Array.isArray(labels) ? labels : []) as { label: string; value: string }[];
  return Object.fromEntries(pairs.map(({ label, value }) => [label, value]));
}

/** Runs once: nobody notices that it runs again. */
const isJob = (step: PreviewStep): boolean => labelsOf(step)[LABEL.component] === "job";

function changeOf(step: PreviewStep, known: Known): Change | undefined {
  const type = typeOf(step);
  const effect = effectOf(step, type);
  const name = nameOf(step);
  if (effect === undefined || !type.startsWith("docker:") || SILENT.test(name)) return undefined;
  const reasons = step.op === "replace" ? (step.replaceReasons ?? []) : [];
  const because = reasons.map((field) => reason(field, step, known));
  const { owner, resource } = ownerOf(name);
  return {
    owner: renamed(owner, known.keys.get(owner)),
    effect,
    ...told(step, type, resource, because),
  };
}

/** `tenant shop (was acme)`; an owner whose key is the first one as it is. */
function renamed(owner: string, key: string | undefined): string {
  const [kind = "", identity = ""] = owner.split(" ");
  return key === undefined || key === identity ? owner : `${kind} ${key} (was ${identity})`;
}

/** An eraser has the name of what it replaces, and a volume may stay on the engine: the name alone would mislead. */
function told(step: PreviewStep, type: string, resource: string, because: string[]) {
  const erased = erasedBy(step);
  if (erased !== undefined) return { resource: `${erased}, ${FOR_GOOD}`, because: [] };
  const job = whatErases(step, step.oldState);
  if (step.op === "delete" && job) return { resource: `the job that has erased: ${job}`, because };
  const isKept = type === VOLUME && step.op === "delete" && step.oldState?.retainOnDelete === true;
  return { resource: isKept ? `${resource} (kept on the engine)` : resource, because };
}

const typeOf = (step: PreviewStep): string => (step.newState ?? step.oldState)?.type ?? "";

/** Logical name without the stack's: `tenant-acme.data`. */
function nameOf({ urn }: PreviewStep): string {
  const [, , stack = ""] = urn.split(":");
  return (urn.split("::").at(-1) ?? "").replace(`${stack}-`, "");
}

/** A replacement comes as three steps; the one named `replace` stands for all of them. */
function effectOf(step: PreviewStep, type: string): Effect | undefined {
  const name = nameOf(step);
  const data = type === VOLUME && !RECORDS.test(name);
  switch (step.op) {
    case "create":
      return erasedBy(step) ? "data lost" : "created";
    case "update":
      return "changed in place";
    case "replace":
      if (data || erasedBy(step)) return "data lost";
      // A network goes before the new one comes: whoever is in it is cut off.
      return type === NETWORK || (type === CONTAINER && !isJob(step)) ? "restarted" : "made anew";
    case "delete":
      // Volumes with data stay on the engine; what goes is a replica's cache, or what an erasure has emptied.
      return "removed";
    default:
      return undefined;
  }
}

/** What a step erases for good, if it does. */
const erasedBy = (step: PreviewStep): string | undefined => whatErases(step, step.newState);

/** What a job erases, if it is one that does. Both names of the property are in use: the SDK's and the provider's own. */
function whatErases(step: PreviewStep, state: StepState | undefined): string | undefined {
  const command: unknown = state?.inputs?.command ?? state?.inputs?.commands;
  const [found] = (Array.isArray(command) ? command : []).flatMap((word) => ERASERS[word] ?? []);
  return found?.[nameOf(step).startsWith("tenant-") ? "tenant" : "cluster"];
}

/** `tenant-acme.data` is the data of the tenant acme, `mongodb-0` a container of MongoDB. */
function ownerOf(name: string): Pick<Change, "owner" | "resource"> {
  const [whole = "", ...rest] = name.split(".");
  const [, kind = "", key = ""] = /^([^-]+)-?(.*)$/.exec(whole) ?? [];
  if (kind === "tenant" || kind === "cluster") {
    return { owner: `${kind} ${key}`, resource: rest.join(".") || "runtime" };
  }
  if (kind === "network" || kind === "image") return { owner: "platform", resource: name };
  return { owner: kind, resource: name };
}

/** The changes as Markdown for a merge request: one row per owner, data loss on top. */
export function renderMarkdown(stack: string, changes: readonly Change[]): string {
  if (changes.length === 0) return `### Redfleet \`${stack}\`: no change`;
  const lost = changes.filter((change) => change.effect === "data lost");
  const warning = lost.map(({ owner, resource }) => `> **Data of ${owner} is lost**: ${resource}`);
  const owners = [...new Set(changes.map((change) => change.owner))];
  const rows = owners.map((owner) => {
    const own = changes.filter((change) => change.owner === owner);
    const cells = EFFECTS.map((effect) => cell(own.filter((change) => change.effect === effect)));
    return `| ${[owner, ...cells].join(" | ")} |`;
  });
  return [
    `### Redfleet \`${stack}\`: ${changes.length} ${changes.length === 1 ? "change" : "changes"}`,
    ...(warning.length > 0 ? ["", ...warning] : []),
    "",
    `| | ${EFFECTS.join(" | ")} |`,
    `|---|${EFFECTS.map(() => "---|").join("")}`,
    ...rows,
  ].join("\n");
}

function cell(changes: readonly Change[]): string {
  return changes
    .map(
      ({ resource, because }) => resource + (because.length > 0 ? ` (${because.join(", ")})` : ""),
    )
    .join("<br>");
}
