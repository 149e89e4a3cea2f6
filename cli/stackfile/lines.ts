import { Lexer } from "yaml";
import { compareLines } from "./diff.ts";

/** A line of a stack file that says something, with what belongs to it. */
interface Line {
  /** Without its comment. */
  bare: string;
  /** As it stands in the file. */
  text: string;
  /** Lines above it that say nothing: comments and blank ones. */
  above: string[];
}

/** A stack file's lines, and the comments that stand below the last one. */
export interface Lines {
  lines: Line[];
  below: string[];
}

/** Marks of the lexer that stand for no text: document, scalar, broken flow, byte order. */
const SCALAR = "\u001f";
const MARKS: ReadonlySet<string> = new Set(["\u0002", SCALAR, "\u0018", "\ufeff"]);

/** Takes a text apart; comments and blank lines belong to the line below them. */
export function readLines(text: string): Lines {
  const bare = withoutComments(text);
  const below: string[] = [];
  const lines: Line[] = [];
  text.split("\n").forEach((line, index) => {
    const content = bare[index] ?? "";
    if (content.trim() === "") below.push(line);
    else lines.push({ bare: content.trimEnd(), text: line, above: below.splice(0) });
  });
  return { lines, below };
}

/** Each line without its comment; a `#` inside of a text is none. */
function withoutComments(text: string): string[] {
  let bare = "";
  let previous = "";
  for (const token of new Lexer().lex(text)) {
    const isComment = token.startsWith("#") && previous !== SCALAR;
    if (!MARKS.has(token) && !isComment) bare += token;
    previous = token;
  }
  return bare.split("\n");
}

/**
 * The file after an edit: what the edit does not touch stays byte for byte, and every comment stays
 * with its line, goes with it, and moves for nobody.
 * @param normal the text as the writer writes it, without comments, a line for each of `lines`
 * @param edited the same after the edit
 * @param renamed keys that have another name in it
 */
export function mergeLines(
  { lines, below }: Lines,
  normal: readonly string[],
  edited: readonly string[],
  renamed: ReadonlyMap<string, string>,
): string {
  const merged: string[] = [];
  let removed: Line[] = [];
  let added: string[] = [];
  const flush = () => {
    merged.push(...replaceLines(removed, added, renamed));
    removed = [];
    added = [];
  };
  for (const { mark, text, from } of compareLines(normal, edited)) {
    const line = lines[from];
    if (mark === "+") added.push(text);
    else if (line && mark === "-") removed.push(line);
    else if (line) {
      flush();
      merged.push(...line.above, line.text);
    }
  }
  flush();
  return [...merged, ...below].join("\n");
}

/** New lines in the place of old ones; one with the key of an old line takes over its comments. */
function replaceLines(
  removed: readonly Line[],
  added: readonly string[],
  renamed: ReadonlyMap<string, string>,
): string[] {
  const first = removed[0]?.above ?? [];
  const replaced = new Set<Line>();
  const lines = added.flatMap((text) => {
    const old = removed.find((line) => keyOf(line.bare, renamed) === keyOf(text));
    if (!old) return [text];
    replaced.add(old);
    const comment = old.text.slice(old.bare.length).trim();
    return [...old.above, comment ? `${text} ${comment}` : text];
  });
  // What a blank line sets apart is about more than the line that goes.
  const apart =
    removed[0] && !replaced.has(removed[0]) ? first.slice(0, first.lastIndexOf("") + 1) : [];
  return [...apart, ...lines];
}

/** Indentation and key of a line; the key's new name if it has one. */
function keyOf(line: string, renamed?: ReadonlyMap<string, string>): string {
  const [, indentation = "", key = ""] = /^(\s*)([^:]*)/.exec(line) ?? [];
  return indentation + (renamed?.get(key) ?? key);
}
