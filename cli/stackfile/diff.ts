import { diff } from "node:util";

/** One line of a comparison: kept, removed or added. */
export interface DiffLine {
  mark: " " | "-" | "+";
  text: string;
  /** Zero-based line numbers in the old and the new text, at this line. */
  from: number;
  to: number;
}

/** Compares two texts line by line. */
export function compareLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let from = 0;
  let to = 0;
  return diff(before, after).map(([operation, text]) => {
    const mark = operation === 0 ? " " : operation === 1 ? "-" : "+";
    const line = { mark, text, from, to } as const;
    if (mark !== "+") from++;
    if (mark !== "-") to++;
    return line;
  });
}

const CONTEXT = 3;

/** A unified diff of two texts, empty if they are equal. */
export function unifiedDiff(name: string, before: string, after: string): string {
  if (before === after) return "";
  const lines = compareLines(linesOf(before), linesOf(after));
  const hunks = hunksOf(lines).map((hunk) => [header(hunk), ...hunk.map(render)].join("\n"));
  return [`--- ${name}`, `+++ ${name}`, ...hunks].join("\n");
}

const linesOf = (text: string): string[] => text.replace(/\n$/, "").split("\n");

/** Groups of changed lines with their surroundings; near ones share a group. */
function hunksOf(lines: DiffLine[]): DiffLine[][] {
  const near = new Set<number>();
  lines.forEach((line, at) => {
    if (line.mark === " ") return;
    for (let i = at - CONTEXT; i <= at + CONTEXT; i++) near.add(i);
  });
  const hunks: DiffLine[][] = [];
  lines.forEach((line, at) => {
    if (!near.has(at)) return;
    if (near.has(at - 1) && at > 0) hunks.at(-1)?.push(line);
    else hunks.push([line]);
  });
  return hunks;
}

function header(hunk: DiffLine[]): string {
  const [first] = hunk;
  const count = (mark: string) => hunk.filter((line) => line.mark !== mark).length;
  return `@@ -${(first?.from ?? 0) + 1},${count("+")} +${(first?.to ?? 0) + 1},${count("-")} @@`;
}

const render = (line: DiffLine): string => line.mark + line.text;
