import { describe, expect, it } from "vitest";
import type { Section } from "../../../images/node-red/pack/stacks.ts";
import { renderShares, type Weight } from "../../bench/profile.ts";

const map = { version: 3, sources: [], names: [], mappings: "" } as never;
const packed: Section[] = [
  [2, "/app/node_modules/a/index.js", map],
  [10, "/app/node_modules/a/node_modules/@scope/b/lib/x.js", map],
  [20, "/app/runtime/main.cjs", map],
];

const frame = (functionName: string, url: string, lineNumber = 0) => ({
  functionName,
  url,
  lineNumber,
});
const inPack = (functionName: string, line: number) =>
  frame(functionName, "file:///app/runtime.pack", line - 1);

const weights: Weight[] = [
  [frame("(idle)", ""), 900],
  [frame("(garbage collector)", ""), 10],
  [frame("write", ""), 5],
  [frame("emit", "node:events", 512), 15],
  [inPack("first", 3), 20],
  [inPack("last", 10), 10],
  [inPack("scoped", 11), 25],
  [inPack("", 700), 15],
];

describe("the shares of a profile", () => {
  const [modules, functions] = renderShares(weights, packed).split("\n\n");

  it("are of what is not idle, by the package or file that a packed line is of", () => {
    expect(modules?.split("\n").map((line) => line.trim())).toEqual([
      "30.0 %  a",
      "25.0 %  @scope/b",
      "15.0 %  node",
      "15.0 %  main.cjs",
      "10.0 %  (garbage collector)",
      "5.0 %  native",
    ]);
  });

  it("are of functions too, each with its module", () => {
    expect(functions).toContain("    25.0 %  scoped, @scope/b\n    20.0 %  first, a\n");
    expect(functions).toContain("    15.0 %  (anonymous), main.cjs\n");
  });
});
