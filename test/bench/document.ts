/** A heading of the second level with what follows it. */
interface Section {
  readonly title: string;
  readonly body: string;
}

/**
 * Puts a table, and a line that introduces it, into a section of a Markdown text. Where the section is
 * there already, rows whose first cell the new table has are replaced, others and all prose stay.
 * @param text sections only, as they stand below the document's mark
 */
export function putTable(text: string, title: string, intro: string, table: string): string {
  const sections = parse(text);
  const old = sections.find((section) => section.title === title);
  const body = [intro, "", merged(old?.body ?? "", table), ...proseOf(old?.body ?? "")].join("\n");
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
const tableOf = (text: string) => text.split("\n").filter(isTable);
const keyOf = (row: string) => row.split("|")[1]?.trim() ?? "";

/** The head of the new table, then all rows in the order of their first cells. */
function merged(older: string, newer: string): string {
  const [head = "", rule = "", ...fresh] = tableOf(newer);
  const keys = new Set(fresh.map(keyOf));
  const kept = tableOf(older)
    .slice(2)
    .filter((row) => !keys.has(keyOf(row)));
  const inOrder = (a: string, b: string) =>
    keyOf(a).localeCompare(keyOf(b), "en", { numeric: true });
  return [head, rule, ...[...kept, ...fresh].sort(inOrder)].join("\n");
}

/** What people have written below a table. */
function proseOf(body: string): string[] {
  const lines = body.split("\n");
  return lines.slice(lines.findLastIndex(isTable) + 1);
}
