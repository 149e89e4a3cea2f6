import type { LibraryEntry } from "./types.ts";

/** `// name: value`, as Node-RED's file storage writes an entry's properties above its text. */
const PROPERTY = /^\/\/ (\w+): (.*)$/;

/** An entry of the library from the file that Node-RED's own storage has made of it. */
export function parseLibraryFile(type: string, path: string, content: string): LibraryEntry {
  const lines = content.split("\n");
  const end = lines.findIndex((line) => !PROPERTY.test(line));
  const head = lines.slice(0, end === -1 ? lines.length : end);
  const meta = Object.fromEntries(
    head.map((line) => {
      const [, name = "", value = ""] = PROPERTY.exec(line) ?? [];
      return [name, value];
    }),
  );
  return { type, path, meta, body: lines.slice(head.length).join("\n") };
}
