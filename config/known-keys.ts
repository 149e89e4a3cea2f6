import { z } from "zod";
import { own } from "./own.ts";
import { Platform } from "./schema.ts";

interface Node {
  type?: string;
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
  items?: Node;
  anyOf?: Node[];
  oneOf?: Node[];
}

/** Made when it is first asked for; most runs have no use for it. */
let root: Node | undefined;

/** The keys that the schema knows at a path, for `did you mean`. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  return [...new Set(nodesAt(path).flatMap((node) => Object.keys(node.properties ?? {})))];
}

/** True where the schema takes a list of texts. */
export const takesTexts = (path: readonly PropertyKey[]): boolean =>
  nodesAt(path).some(({ type, items }) => type === "array" && items?.type === "string");

function nodesAt(path: readonly PropertyKey[]): Node[] {
  root ??= z.toJSONSchema(Platform, { io: "input", target: "draft-7" }) as Node;
  const start = [root];
  return path
    .reduce<Node[]>((found, key) => found.flatMap((node) => step(node, key)), start)
    .flatMap(branches);
}

function step(node: Node, key: PropertyKey): Node[] {
  return branches(node).flatMap((branch) => {
    const next = own(branch.properties, String(key)) ?? branch.additionalProperties ?? branch.items;
    return typeof next === "object" ? [next] : [];
  });
}

function branches(node: Node): Node[] {
  return [node, ...(node.anyOf ?? []), ...(node.oneOf ?? [])];
}
