/**
 * Modules that the stack file declares: installed before flows start, not touched when they are there,
 * removed when they are declared no more.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { moduleName } from "./environment.ts";
import type { NpmCalls } from "./npm.ts";

export interface DeclaredOptions {
  userDir: string;
  /** `name@version`, exactly. */
  modules: readonly string[];
  npm: Pick<NpmCalls, "run">;
}

const MARK = ".redfleet-modules";

/** Brings the folder to what is declared. Says whether npm had anything to do. @throws with npm's reason. */
export async function installDeclared({
  userDir,
  modules,
  npm,
}: DeclaredOptions): Promise<boolean> {
  const mark = join(userDir, MARK);
  const before = existsSync(mark) ? readFileSync(mark, "utf8").split("\n").filter(Boolean) : [];
  const names = new Set(modules.map(moduleName));
  const gone = before.map(moduleName).filter((name) => !names.has(name));
  const missing = modules.filter((spec) => versionOf(userDir, moduleName(spec)) !== spec);
  if (gone.length > 0) await npm.run(["uninstall", "--save", "--", ...gone], userDir);
  if (missing.length > 0) await npm.run(["install", "--save-exact", "--", ...missing], userDir);
  if (modules.join() !== before.join()) writeFileSync(mark, modules.join("\n"));
  return gone.length + missing.length > 0;
}

/** What is installed under a name, as a specification. */
function versionOf(userDir: string, name: string): string | undefined {
  const file = join(userDir, "node_modules", name, "package.json");
  if (!existsSync(file)) return undefined;
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return `${name}@${version}`;
}
