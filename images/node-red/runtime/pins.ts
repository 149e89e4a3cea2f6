/**
 * Which flows run where in a cluster: a tab or group with the environment variable `REDFLEET_RUN_ON` runs
 * on the workers that it names and is disabled on all others. Only what Node-RED starts is changed, never
 * what it stores or what editors get.
 */
import type { Role } from "./environment.ts";
import { beforeParse } from "./internals.ts";
import type { FlowNode } from "./node-red.ts";

/** `editor`, `replicas`, numbers of replicas, or several of them with commas. */
const VARIABLE = "REDFLEET_RUN_ON";
const WORD = /^(editor|replicas|\d{1,2})$/;

/** A worker, as pins name it. */
export interface Place {
  readonly role: Role;
  /** Number of a replica. */
  readonly member: number | undefined;
}

const wordsOf = (text: string) => text.split(",").map((word) => word.trim());

/** What a tab or group asks for; undefined where it runs everywhere. */
function pinOf({ type, env }: FlowNode): string | undefined {
  if ((type !== "tab" && type !== "group") || !Array.isArray(env)) return undefined;
  const entry = env.find((one: { name?: string }) => one?.name === VARIABLE);
  return entry === undefined ? undefined : String(entry.value);
}

function runsAt(pin: string, { role, member }: Place): boolean {
  const words = wordsOf(pin);
  if (role === "editor") return words.includes("editor");
  return words.includes("replicas") || words.some((word) => Number(word) === member);
}

/** Ids of tabs and groups that satisfy something, and of all groups within such a group. */
function holders(flows: readonly FlowNode[], wanted: (pin: string) => boolean): Set<string> {
  const found = new Set<string>();
  for (const node of flows) {
    const pin = pinOf(node);
    if (pin !== undefined && wanted(pin)) found.add(node.id);
  }
  const groups = flows.filter(({ type }) => type === "group");
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const { id, g } of groups) if (found.has(String(g))) found.add(id);
  }
  return found;
}

const isIn = ({ id, z, g }: FlowNode, found: ReadonlySet<string>) =>
  found.has(id) || found.has(String(z)) || found.has(String(g));

/** A tenant is one process: all of its flows run, whatever they are pinned to. */
const isAlone = ({ role }: Pick<Place, "role">) => role === "instance";

/** Disables in a cluster's worker what is pinned to others. Before Node-RED loads flows. */
export function obeyPins(place: Place): void {
  if (isAlone(place)) return;
  beforeParse((flows) => {
    const elsewhere = holders(flows, (pin) => !runsAt(pin, place));
    if (elsewhere.size === 0) return;
    for (const node of flows) {
      if (node.type === "tab") node.disabled ||= elsewhere.has(node.id);
      else if (isIn(node, elsewhere)) node.d = true;
    }
  });
}

/** What is wrong with the pins of a flow set, for people; empty when nothing is. */
export function pinProblems(flows: readonly FlowNode[], place: Pick<Place, "role">): string[] {
  if (isAlone(place)) return [];
  return [...unknownWords(flows), ...lostEndpoints(flows)];
}

function unknownWords(flows: readonly FlowNode[]): string[] {
  return flows.flatMap((node) => {
    const pin = pinOf(node);
    if (pin === undefined) return [];
    const bad = wordsOf(pin).filter((word) => !WORD.test(word));
    const name = node.label ?? node.name ?? node.id;
    const rule = "use editor, replicas, or numbers of replicas";
    return bad.map((word) => `${node.type} "${name}": ${VARIABLE}: "${word}"; ${rule}`);
  });
}

/** Requests reach every replica, so an endpoint that only some have would answer 404 on the others. */
function lostEndpoints(flows: readonly FlowNode[]): string[] {
  const partial = holders(flows, (pin) => !wordsOf(pin).includes("replicas"));
  const off = new Set(flows.filter(({ disabled }) => disabled === true).map(({ id }) => id));
  const answers = ({ type, d, z }: FlowNode) => type === "http in" && !d && !off.has(String(z));
  return flows
    .filter((node) => answers(node) && isIn(node, partial))
    .map(({ method, url }) => {
      const endpoint = `${String(method).toUpperCase()} ${url}`;
      return `${endpoint}: ${VARIABLE} must hold "replicas", because requests reach all of them`;
    });
}
