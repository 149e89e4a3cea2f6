import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import original from "@mongodb-js/saslprep";
import fc from "fast-check";
import { expect, test } from "vitest";

type Saslprep = (input: string) => string;

/** What the image packs, in the place that it has there. */
function packed(): Saslprep {
  const source = readFileSync("images/node-red/pack/saslprep.cjs", "utf8");
  const place = createRequire(createRequire(import.meta.url).resolve("@mongodb-js/saslprep"));
  const module = { exports: {} };
  new Function("require", "module", source)(place, module);
  return module.exports as Saslprep;
}

const outcome = (prepare: Saslprep, input: string) => {
  try {
    return prepare(input);
  } catch (error) {
    return (error as Error).message;
  }
};

test("passwords are prepared for SCRAM as the MongoDB driver's own package does it", () => {
  const prepare = packed();
  const units = ["grapheme", "binary", "binary-ascii"] as const;
  const text = fc.oneof(...units.map((unit) => fc.string({ unit })));
  fc.assert(
    fc.property(text, (input) => {
      expect(outcome(prepare, input)).toBe(outcome(original, input));
    }),
    { numRuns: 2000 },
  );
  expect(prepare("I\u00adX \u00aa")).toBe("IX a");
  expect(() => prepare("a\u0007")).toThrow();
});
