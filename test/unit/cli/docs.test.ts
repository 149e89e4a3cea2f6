import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CODES } from "../../../config/errors.ts";

test("docs/errors.md explains every code of the stack file", () => {
  const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
  const rows = page.matchAll(/^\| `(REDFLEET_CFG_\w+)` \| (.+?) \|/gm);
  const documented = Object.fromEntries([...rows].map(([, code, meaning]) => [code, meaning]));
  expect(documented).toEqual(CODES);
});
