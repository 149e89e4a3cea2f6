/** A heading of the second level with what follows it. */
interface Section {
  readonly title: string;
  readonly body: string;
}

/**
 * Puts a table, and a line that introduces it, into a section of a Markdown text. Where the section is
 * there already, rows whose first cell the new table has are replaced; others stay, and so does all that
 * people have written below the table.
 * @param text sections only, as they stand below the document's mark
 */
export function putTable(text: string, title: string, intro: string, table: string): string {
  const sections = parse(text);
  const old = sections.find((section) => section.title === title);
  const body = [intro, "", merged(old?.body ?? "", table), ...split(old?.body ?? "").after].join(
    "\n",
  );
  const fresh = { title, body: body.trim() };
  const all = old ? sections.map((each) => (each === old ? fresh : each)) : [fresh, ...sections];
  return all.map((section) => `\n## ${section.title}\n\n${section.body.trim()}\n`).join("");
}

function parse(text: string): Section[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = "", ...lines] = section.split("\n");
      return { title: title.trim(), body: lines.join("\n") };
    });
}

const isTable = (line: string) => line.startsWith("|");

/** Lines of the first table, and those after it; people may have written others there. */
function split(text: string): { table: string[]; after: string[] } {
  const lines = text.split("\n");
  const start = lines.findIndex(isTable);
  if (start < 0) return { table: [], after: [] };
  const length = lines.slice(start).findIndex((line) => !isTable(line));
  const end = length < 0 ? lines.length : start + length;
  return { table: lines.slice(start, end), after: lines.slice(end) };
}

const keyOf = (row: string) => row.split("|")[1]?.trim() ?? "";

/** The head of the new table, then all rows in the order of their first cells. */
function merged(older: string, newer: string): string {
  const [head = "", rule = "", ...fresh] = split(newer).table;
  const keys = new Set(fresh.map(keyOf));
  const [, , ...rows] = split(older).table;
  const kept = rows.filter((row) => !keys.has(keyOf(row)));
  const inOrder = (a: string, b: string) =>
    keyOf(a).localeCompare(keyOf(b), "en", { numeric: true });
  return [head, rule, ...[...kept, ...fresh].sort(inOrder)].join("\n");
}
