import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Entry {
  optionalDependencies?: Record<string, string>;
}

/** A registry mirror may lack packages of other systems; npm then leaves them out, and `npm ci` fails. */
test("the lock file has an entry for every optional dependency", () => {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, Entry>;
  };
  const wanted = Object.values(packages).flatMap((entry) =>
    Object.keys(entry.optionalDependencies ?? {}),
  );
  const missing = wanted.filter(
    (name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)),
  );
  expect(missing, "run: node tools/complete-lock.mjs").toEqual([]);
});
