import { expect, test } from "vitest";
import { capture } from "../../support/process.ts";

test.each([
  ["test/run.ts", "nosuch", /^error: no such tier: nosuch; there are: checks .+\n$/],
  ["test/bench/run.ts", "B99", /^error: no such benchmark: B99; there are: B1 .+\n$/],
])("%s names what it knows instead of %s", async (file, word, message) => {
  const { code, output } = await capture(process.execPath, [file, word]);
  expect(code).toBe(2);
  expect(output).toMatch(message);
});
