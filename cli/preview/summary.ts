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
  parent?: string;
  retainOnDelete?: boolean;
  inputs?: Record<string, unknown>;
}

/** What `pulumi preview --json` prints. */
export interface Preview {
  steps?: PreviewStep[];
}

/** What a change means for those who use the platform, the worst last. */
export const EFFECTS = [
  "created",
  "changed in place",
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

const CONTAINER = "docker:index/container:Container";
const VOLUME = "docker:index/volume:Volume";
/** Volumes without data of their own: they are made again from the stack file. */
const RECORDS = new Set(["route", "files"]);

/** Everything that a preview would change, in the order of its owners. */
export function summarise(preview: Preview): Change[] {
  const changes = (preview.steps ?? []).flatMap((step) => changeOf(step) ?? []);
  return changes.sort((a, b) => order(a).localeCompare(order(b), "en", { numeric: true }));
}

const order = (change: Change): string => `${change.owner} ${change.resource}`;

function changeOf(step: PreviewStep): Change | undefined {
  const effect = effectOf(step);
  const type = (step.newState ?? step.oldState)?.type ?? "";
  if (effect === undefined || !type.startsWith("docker:")) return undefined;
  return {
    owner: ownerOf(step),
    effect,
    resource: step.urn.split("::").at(-1) ?? step.urn,
    because: step.op === "replace" ? (step.replaceReasons ?? []) : [],
  };
}

/** A replacement comes as three steps; the one named `replace` stands for all of them. */
function effectOf(step: PreviewStep): Effect | undefined {
  const type = (step.newState ?? step.oldState)?.type;
  switch (step.op) {
    case "create":
      return "created";
    case "update":
      return "changed in place";
    case "replace":
      if (type === VOLUME && holdsData(step)) return "data lost";
      return type === CONTAINER && lives(step) ? "restarted" : "changed in place";
    case "delete":
      return type === VOLUME && holdsData(step) && !kept(step) ? "data lost" : "removed";
    default:
      return undefined;
  }
}

const componentOf = (step: PreviewStep): string => labelsOf(step)["redfleet.component"] ?? "";
const holdsData = (step: PreviewStep): boolean => !RECORDS.has(componentOf(step));
const lives = (step: PreviewStep): boolean => !["job", "files"].includes(componentOf(step));
const kept = (step: PreviewStep): boolean => step.oldState?.retainOnDelete === true;

function ownerOf(step: PreviewStep): string {
  const labels = labelsOf(step);
  const key = labels["redfleet.name"];
  if (key) return `${isTenants(step) ? "tenant" : "cluster"} ${key}`;
  return labels["redfleet.component"] ?? "platform";
}

/** The chain of types in the URN ends above the resource itself: its component tells whose it is. */
const isTenants = (step: PreviewStep): boolean => step.urn.includes("redfleet:tenant:Instance");

function labelsOf(step: PreviewStep): Record<string, string> {
  const labels = (step.newState?.inputs ?? step.oldState?.inputs)?.labels;
  if (!Array.isArray(labels)) return {};
  return Object.fromEntries(labels.map(({ label, value }) => [label, value]));
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
