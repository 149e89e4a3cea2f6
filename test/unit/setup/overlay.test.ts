import { describe, expect, test } from "vitest";
import { copyBack, hasSecrets, overlay, saltOf, withoutSalt } from "../../../cli/pulumi/overlay.ts";

const TRACKED = "# a comment\nconfig:\n  redfleet:platform:\n    domain: x # why\n";
const SALT = "v1:abc=:v1:def:ghi==";

describe("the copy of the stack file that Pulumi works on", () => {
  test("has the local salt, and the tracked file has none", () => {
    const copy = overlay(TRACKED, SALT);
    expect(saltOf(copy)).toBe(SALT);
    expect(withoutSalt(copy)).toBe(TRACKED);
  });

  test("keeps the salt of a file that has its own", () => {
    const own = `${TRACKED}encryptionsalt: v1:own\n`;
    expect(overlay(own, SALT)).toBe(own);
  });

  test("is the file itself before there is a salt, and ends its last line", () => {
    expect(overlay(TRACKED, undefined)).toBe(TRACKED);
    expect(overlay("config: {}", SALT)).toBe(`config: {}\nencryptionsalt: ${SALT}\n`);
    expect(overlay("", SALT)).toBe(`encryptionsalt: ${SALT}\n`);
  });
});

describe("what goes back into the tracked file", () => {
  const before = overlay(TRACKED, SALT);

  test("nothing, when Pulumi has changed nothing or only the salt", () => {
    expect(copyBack(TRACKED, before, before)).toBeUndefined();
    expect(copyBack(TRACKED, TRACKED, before)).toBeUndefined();
  });

  test("a plain value without the salt", () => {
    const after = overlay(`${TRACKED}  redfleet:more: 1\n`, SALT);
    expect(copyBack(TRACKED, before, after)).toBe(`${TRACKED}  redfleet:more: 1\n`);
  });

  test("an encrypted value with the salt that it needs", () => {
    const after = overlay(`${TRACKED}  redfleet:token:\n    secure: v1:xyz\n`, SALT);
    expect(hasSecrets(after)).toBe(true);
    expect(copyBack(TRACKED, before, after)).toBe(after);
  });

  test("the salt goes with the last encrypted value", () => {
    const own = `${TRACKED}  redfleet:token:\n    secure: v1:xyz\nencryptionsalt: ${SALT}\n`;
    expect(copyBack(own, own, before)).toBe(TRACKED);
  });
});
