import { z } from "zod";
import { own } from "./own.ts";
import { Platform } from "./schema.ts";

interface Node {
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
  items?: Node;
  anyOf?: Node[];
  oneOf?: Node[];
}

/** Made at the first problem; most runs have none. */
let root: Node | undefined;

/** The keys that the schema knows at a path, for `did you mean`. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  root ??= z.toJSONSchema(Platform, { io: "input", target: "draft-7" }) as Node;
  const nodes = path.reduce<Node[]>(
    (found, key) => found.flatMap((node) => step(node, key)),
    [root],
  );
  return [
    ...new Set(nodes.flatMap(branches).flatMap((node) => Object.keys(node.properties ?? {}))),
  ];
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
