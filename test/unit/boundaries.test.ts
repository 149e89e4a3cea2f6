import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../support/process.ts";

/** One import of one file: the specifier, with relative ones as paths from the clone. */
interface Import {
  readonly file: string;
  readonly target: string;
}

const IMPORT = /(?:from\s*|import\s*\(\s*|import\s+)["']([^"']+)["']/g;

function importsBelow(folder: string): Import[] {
  const files = globSync(`${folder}/**/*.{ts,mts,mjs}`, {
    cwd: ROOT,
    exclude: (path) => path.includes("node_modules"),
  });
  return files.flatMap((file) => {
    const source = readFileSync(join(ROOT, file), "utf8");
    return [...source.matchAll(IMPORT)].map(([, specifier = ""]) => ({
      file,
      target: specifier.startsWith(".") ? resolved(file, specifier) : specifier,
    }));
  });
}

const resolved = (file: string, specifier: string) =>
  relative(ROOT, normalize(join(ROOT, dirname(file), specifier)));

const offenders = (imports: readonly Import[], forbidden: (entry: Import) => boolean) =>
  imports.filter(forbidden).map(({ file, target }) => `${file} -> ${target}`);

/** The typed environment contract: the only thing of the images that the program may import. */
const CONTRACT = "images/node-red/runtime/environment.ts";

describe("import boundaries", () => {
  const components = importsBelow("components");
  const images = importsBelow("images");
  const config = importsBelow("config");

  it("reads the sources", () => {
    for (const imports of [components, images, config]) expect(imports.length).toBeGreaterThan(20);
  });

  it("keeps @pulumi/docker inside the Docker target", () => {
    const outside = [...components, ...config, ...importsBelow("policy")];
    const forbidden = ({ file, target }: Import) =>
      target.startsWith("@pulumi/docker") && !file.startsWith("components/target/docker/");
    expect(offenders(outside, forbidden)).toEqual([]);
  });

  it("keeps @pulumi/kubernetes inside the Kubernetes target", () => {
    const forbidden = ({ file, target }: Import) =>
      target.startsWith("@pulumi/kubernetes") && !file.startsWith("components/target/kubernetes/");
    expect(offenders([...components, ...config], forbidden)).toEqual([]);
  });

  it("keeps Pulumi out of the images", () => {
    expect(offenders(images, ({ target }) => target.startsWith("@pulumi/"))).toEqual([]);
  });

  it("keeps images out of the program but for the environment contract", () => {
    const forbidden = ({ target }: Import) =>
      target.startsWith("images/") && !target.startsWith(CONTRACT);
    expect(offenders([...components, ...config], forbidden)).toEqual([]);
  });

  it("keeps resources out of the configuration", () => {
    const forbidden = ({ file, target }: Import) =>
      target.startsWith("components/") ||
      (target.startsWith("@pulumi/") && file !== "config/load.ts" && file !== "config/secrets.ts");
    expect(offenders(config, forbidden)).toEqual([]);
  });

  it("keeps Pulumi classes out of the plans", () => {
    const plans = components.filter(({ file }) => file.endsWith("plan.ts"));
    const typeOnly = ({ file, target }: Import) =>
      target.startsWith("@pulumi/") && !importsOnlyTypes(file);
    expect(offenders(plans, typeOnly)).toEqual([]);
  });

  it("has no circle of imports", () => {
    const all = [
      ...components,
      ...images,
      ...config,
      ...importsBelow("cli"),
      ...importsBelow("policy"),
    ];
    expect(circles(all)).toEqual([]);
  });

  it("finds the file behind every relative import", () => {
    const missing = ({ target }: Import) =>
      /^(components|config|images|policy)\//.test(target) && !existsSync(join(ROOT, target));
    expect(offenders([...components, ...config, ...images], missing)).toEqual([]);
  });
});

function importsOnlyTypes(file: string): boolean {
  const source = readFileSync(join(ROOT, file), "utf8");
  const pulumiImports = source.match(/^import .*["']@pulumi\/[^"']+["'];?$/gm) ?? [];
  return pulumiImports.every((line) => line.startsWith("import type"));
}

/** Files that import themselves through others (types included), and those that lead to them. */
function circles(imports: readonly Import[]): string[] {
  const left = Map.groupBy(imports, ({ file }) => file);
  for (;;) {
    const free = [...left].filter(([, own]) => !own.some(({ target }) => left.has(target)));
    if (free.length === 0) return [...left.keys()];
    for (const [file] of free) left.delete(file);
  }
}
