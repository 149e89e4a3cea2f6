import { type Document, isMap, isScalar, parse, parseDocument, visit, type YAMLMap } from "yaml";
import { CliError } from "../errors.ts";
import { mergeLines, readLines } from "./lines.ts";

/** Where the platform's configuration is in a stack file. */
export const PLATFORM = ["config", "redfleet:platform"] as const;
/** Where its tenants are. */
export const TENANTS = [...PLATFORM, "tenants"] as const;

/** A stack file that is being edited: what the edit does not touch stays byte for byte. */
export interface StackDocument {
  readonly text: string;
  readonly document: Document;
  /** Keys that the edit has given another name, old to new: their comments go along. */
  readonly renamed: Map<string, string>;
}

/** Options that keep the writer from folding or re-indenting what it need not. */
const WRITE = { lineWidth: 0, flowCollectionPadding: true } as const;

/** Reads a stack file for editing. */
export function readDocument(text: string, file: string): StackDocument {
  const document = parseDocument(text, { uniqueKeys: false });
  if (document.errors.length === 0) return { text, document, renamed: new Map() };
  throw new CliError({
    what: `${file} is not valid YAML`,
    why: document.errors.map(({ message }) => message.trim()).join("\n"),
    fix: "correct the lines by hand, then try again",
  });
}

/**
 * The text after the edit. The YAML writer normalises spaces and moves comments all over the file, so its
 * changes are taken over line by line, without comments, and only those that the edit has made.
 */
export function writeDocument({ text, document, renamed }: StackDocument): string {
  const written = document.toString(WRITE);
  const original = readLines(text);
  const bare = original.lines.map((line) => `${line.bare}\n`).join("");
  const normal = plain(bare);
  if (normal.length !== original.lines.length) return written;
  const merged = mergeLines(original, normal, plain(written), renamed);
  return JSON.stringify(parse(merged)) === JSON.stringify(parse(written)) ? merged : written;
}

/** The lines that the writer makes of a text, comments and blank lines left out. */
function plain(text: string): string[] {
  const document = parseDocument(text, { uniqueKeys: false });
  const quiet = (node: { comment?: unknown; commentBefore?: unknown; spaceBefore?: unknown }) => {
    node.comment = node.commentBefore = node.spaceBefore = undefined;
  };
  quiet(document);
  visit(document, { Node: (_, node) => quiet(node) });
  return readLines(document.toString(WRITE)).lines.map((line) => line.text);
}

/** The map of tenants, made if the file has none yet. */
export function tenantsOf({ document }: StackDocument): YAMLMap {
  const found = document.getIn(TENANTS, true);
  if (isMap(found)) {
    if (found.items.length === 0) found.flow = false;
    return found;
  }
  if (found !== undefined && !(isScalar(found) && found.value === null)) {
    throw new CliError({ what: "tenants is not a map of tenants", fix: "write tenants: {}" });
  }
  // A key with nothing below it holds null, where nothing can be put.
  for (const path of [PLATFORM.slice(0, 1), PLATFORM]) {
    const holder = document.getIn(path, true);
    if (isScalar(holder) && holder.value === null) document.setIn(path, document.createNode({}));
  }
  const made = document.createNode({});
  document.setIn(TENANTS, made);
  return made as unknown as YAMLMap;
}
