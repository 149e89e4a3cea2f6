import type { Realised } from "../../../components/target/memory.ts";
import type { FileContent, Process } from "../../../components/target/types.ts";
import type { Registered } from "./recorder.ts";

/** What a reviewer wants to see of a resource; the rest is the same everywhere or tested elsewhere. */
const SHOWN = [
  ...["name", "user", "memory", "cpus", "command", "image", "ports", "networkMode", "internal"],
  ...["length", "destroyGraceSeconds"],
];

/** A graph as text: one line per resource, indented below its parent. */
export function graphLines(graph: readonly Registered[]): string {
  const children = (parent: string) =>
    graph
      .filter((resource) => resource.parent === parent)
      .sort((a, b) => (`${a.type}${a.name}` < `${b.type}${b.name}` ? -1 : 1));
  const walk = (parent: string, depth: number): string[] =>
    children(parent).flatMap((resource) => [
      `${"  ".repeat(depth)}${line(resource)}`,
      ...walk(resource.self, depth + 1),
    ]);
  const known = new Set(graph.map(({ self }) => self));
  const roots = new Set(graph.map(({ parent }) => parent).filter((parent) => !known.has(parent)));
  return [...roots]
    .sort()
    .flatMap((root) => walk(root, 0))
    .join("\n");
}

/** The calls of the port as text: one line each, in order. */
export function callLines(calls: readonly Realised[]): string {
  return calls
    .map(({ verb, plan, needs }) => {
      const after = needs.length === 0 ? "" : ` after ${needs.join(" ")}`;
      return `${verb} ${JSON.stringify(shown(plan))}${after}`;
    })
    .join("\n");
}

function line({ type, name, protect, retainOnDelete, inputs }: Registered): string {
  const marks = [protect ? "protect" : "", retainOnDelete ? "retain" : ""].filter(Boolean);
  const shown = SHOWN.filter((key) => inputs[key] !== undefined).map(
    (key) => `${key}=${text(key, inputs[key])}`,
  );
  return [type.split(":").at(-1), name, ...marks, ...shown].join(" ");
}

/** Digests change with every edit of an image; what they name does not. */
function text(key: string, value: unknown): string {
  const written = Array.isArray(value) && typeof value[0] === "string" ? value.join(" ") : value;
  const plain = typeof written === "string" ? written : JSON.stringify(written);
  return key === "name" ? plain.replace(/:[0-9a-f]{16}$/, ":<digest>") : plain;
}

/** A plan as it is told: of its files what a reviewer may see. */
function shown(plan: Realised["plan"] & Pick<Partial<Process>, "files">) {
  if (plan.files === undefined) return plan;
  const files = plan.files.map(({ name, content }) => ({ name, content: brief(content) }));
  return { ...plan, files };
}

/** Nothing that may be secret, and of several lines the first. */
function brief(content: FileContent): string {
  if (typeof content !== "string") return "[secret]";
  const [first = "", ...more] = content.trim().split("\n");
  return more.length === 0 ? first : `${first} …`;
}
