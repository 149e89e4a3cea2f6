import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configReference } from "./docs.ts";
import { stackFileSchema } from "./json-schema.ts";

/** Everything that is generated from the schema: path and text. */
export function generatedFiles(): Record<string, string> {
  return {
    "docs/stack.schema.json": `${JSON.stringify(stackFileSchema(), null, 2)}\n`,
    "docs/config.md": configReference(),
  };
}

/** The generated files whose text on disk is not what the schema gives now. */
export function staleFiles(root = "."): string[] {
  return Object.entries(generatedFiles())
    .filter(([path, text]) => read(join(root, path)) !== text)
    .map(([path]) => path);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(generatedFiles())) writeFileSync(path, text);
}
