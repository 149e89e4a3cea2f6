import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../config/canonical.ts";
import { editDistance, nearest } from "../../config/hints.ts";
import { defaultSubnet, isDataSubnet, memberAddress } from "../../config/network.ts";
import { parsePlatform } from "../../config/parse.ts";
import { checkStackFile } from "../../config/stack-file.ts";
import { formatMemory, parseMemory } from "../../config/units.ts";

test("memory written by formatMemory is read back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1 << 20 }), (megabytes) => {
      expect(parseMemory(formatMemory(megabytes))).toBe(megabytes);
    }),
  );
});

test("memory without a unit is no memory", () => {
  fc.assert(fc.property(fc.nat(), (n) => parseMemory(String(n)) === undefined));
});

test("canonical JSON does not depend on the order of keys", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (map) => {
      const reversed = Object.fromEntries(Object.entries(map).reverse());
      expect(canonicalJson(reversed)).toBe(canonicalJson(map));
      expect(JSON.parse(canonicalJson(map))).toEqual(JSON.parse(JSON.stringify(map)));
    }),
  );
});

test("the edit distance is a distance", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (a, b, c) => {
      expect(editDistance(a, a)).toBe(0);
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
    }),
  );
});

test("one typo in a word of at least three letters is recognised", () => {
  fc.assert(
    fc.property(fc.constantFrom("replicas", "members", "domain", "host"), fc.nat(), (word, n) => {
      const at = n % word.length;
      expect(nearest(word.slice(0, at) + word.slice(at + 1), [word, "zzzzzzzz"])).toBe(word);
    }),
  );
});

test("every stack has a subnet that can carry its stores", () => {
  fc.assert(
    fc.property(fc.string(), (stack) => {
      const subnet = defaultSubnet(stack);
      expect(isDataSubnet(subnet)).toBe(true);
      expect(memberAddress(subnet, "sentinel", 6)).toMatch(/\.36$/);
    }),
  );
});

test("whatever stands in a platform, the answer is problems, never an exception", () => {
  const keys = fc.constantFrom("domain", "edge", "mongodb", "clusters", "tenants", "target", "x");
  fc.assert(
    fc.property(fc.dictionary(keys, fc.jsonValue()), (platform) => {
      const { problems } = parsePlatform(platform, { stack: "dev", secretNames: [] });
      for (const { path, rule, fix } of problems) {
        expect(typeof path).toBe("string");
        expect(rule).not.toBe("");
        expect(fix).not.toBe("");
      }
    }),
    { numRuns: 200 },
  );
}, 30_000);

test("whatever stands in a stack file, the answer is problems, never an exception", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(Array.isArray(checkStackFile(text, "dev"))).toBe(true);
    }),
    { numRuns: 200 },
  );
}, 30_000);
