import { stripVTControlCharacters, styleText } from "node:util";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Colours a text for standard output; plain when it is no terminal or NO_COLOR is set. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** Colour of a state word. */
export function paintState(state: string): string {
  if (state === "running" || state === "ok") return paint("green", state);
  if (state === "error" || state === "fail") return paint("red", state);
  return state === "stopped" ? paint("dim", state) : paint("yellow", state);
}

/** Lines up columns; the last one is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  }
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - width(cell))).join("  ");
  return rows.map((row) => line(row).trimEnd()).join("\n");
}

const width = (cell: string): number => stripVTControlCharacters(cell).length;

/** Prints data for scripts: one JSON document on standard output. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}
