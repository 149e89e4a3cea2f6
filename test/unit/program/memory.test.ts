import { expect, test } from "vitest";
import { isWorthIt } from "../../../images/node-red/runtime/memory.ts";

const MB = 1024 * 1024;

test.each([
  ["after its start", 120, 40, 0, true],
  ["that has grown", 140, 50, 120, true],
  ["that has hardly grown", 125, 45, 120, false],
  ["with a heap whose collection would hold the event loop for long", 700, 450, 0, false],
])("an idle process %s gives memory back only where that is cheap", (_, rss, heap, trimmed, is) => {
  expect(isWorthIt({ rss: rss * MB, heapUsed: heap * MB }, trimmed * MB)).toBe(is);
});
