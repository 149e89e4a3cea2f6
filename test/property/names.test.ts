import fc from "fast-check";
import { expect, test } from "vitest";
import {
  COMPONENTS,
  isDnsLabel,
  KEY_PATTERN,
  LABEL_MAX,
  physicalName,
  REPLICAS_ALIAS,
  stackNameProblem,
} from "../../config/names.ts";

const words = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
const stacks = fc
  .array(words, { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join("-"))
  .filter((stack) => stackNameProblem(stack) === undefined);
const keys = fc.oneof(
  fc.stringMatching(KEY_PATTERN),
  // Keys made of the words that names are made of: where two names could meet.
  fc
    .array(fc.constantFrom(...COMPONENTS, REPLICAS_ALIAS, "data", "files", "0", "1"), {
      minLength: 1,
      maxLength: 4,
    })
    .map((parts) => parts.join("-"))
    .filter((key) => KEY_PATTERN.test(key)),
);

/** Names of containers, and the aliases that replicas share, as the plans build them. */
const containers = fc.oneof(
  fc.record({ stack: stacks, kind: fc.constantFrom("tenant", "editor"), key: keys }),
  fc.record({ stack: stacks, kind: fc.constant(REPLICAS_ALIAS), key: keys }),
  fc.record({ stack: stacks, kind: fc.constant("replica"), key: keys, member: fc.nat(49) }),
  fc.record({ stack: stacks, kind: fc.constantFrom("mongodb", "sentinel"), member: fc.nat(6) }),
  fc.record({ stack: stacks, kind: fc.constantFrom("job-tenant", "files-tenant"), key: keys }),
);

type Container = { stack: string; kind: string; key?: string; member?: number };

function nameOf({ stack, kind, key, member }: Container): string {
  return physicalName(stack, kind, ...[key, member].filter((part) => part !== undefined));
}

test("two different containers or aliases never have one name", () => {
  fc.assert(
    fc.property(containers, containers, (a: Container, b: Container) => {
      fc.pre(JSON.stringify(a) !== JSON.stringify(b));
      expect(nameOf(a)).not.toBe(nameOf(b));
    }),
    { numRuns: 5000 },
  );
}, 30_000);

test("every name is a DNS label", () => {
  fc.assert(
    fc.property(containers, (container: Container) => {
      const name = nameOf(container);
      expect(name.length).toBeLessThanOrEqual(LABEL_MAX);
      expect(isDnsLabel(name)).toBe(true);
    }),
  );
});

test("long names that differ only at the end stay different", () => {
  fc.assert(
    fc.property(fc.nat(9999), fc.nat(9999), (a, b) => {
      fc.pre(a !== b);
      const long = "x".repeat(60);
      expect(physicalName("dev", long, a)).not.toBe(physicalName("dev", long, b));
    }),
  );
});
