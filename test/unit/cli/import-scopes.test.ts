import { expect, test } from "vitest";
import { scopeSplitter } from "../../../cli/import/scopes.ts";
import type { FlowNode } from "../../../cli/import/types.ts";

const FLOWS: FlowNode[] = [
  { id: "tab", type: "tab" },
  { id: "node", type: "function", z: "tab" },
  { id: "config", type: "mqtt-broker" },
  { id: "definition", type: "subflow" },
  { id: "inside", type: "function", z: "definition" },
  { id: "with-hyphen", type: "subflow:definition", z: "tab" },
  { id: "deep", type: "subflow:definition", z: "definition" },
];
const split = scopeSplitter(FLOWS);

test.each([
  ["global:count", "global", "count"],
  ["global:a:b", "global", "a:b"],
  ["tab:count", "tab", "count"],
  ["tab:a:b:c", "tab", "a:b:c"],
  ["config:count", "config", "count"],
  ["node:tab:count", "node:tab", "count"],
  ["node:tab:a:b", "node:tab", "a:b"],
  ["with-hyphen:count", "with-hyphen", "count"],
  ["inside:with-hyphen:count", "inside:with-hyphen", "count"],
  ["inside:with-hyphen-deep:count", "inside:with-hyphen-deep", "count"],
  ["with-hyphen-inside:with-hyphen:count", "with-hyphen-inside:with-hyphen", "count"],
])("%s belongs to the flows", (text, scope, key) => {
  expect(split(text)).toEqual({ scope, key });
});

test.each([
  "",
  "global",
  "global:",
  "tab:",
  "node:count",
  "node:tab",
  "node:tab:",
  "gone:count",
  "gone:tab:count",
  "node:gone:count",
  "node:global:count",
  "x-tab:count",
])("%s does not", (text) => {
  expect(split(text)).toBeUndefined();
});

test("nodes of a wrong shape have no scope", () => {
  const wrong = [null, {}, { id: 1 }, { id: "a" }] as unknown as FlowNode[];
  expect(scopeSplitter(wrong)("a:count")).toEqual({ scope: "a", key: "count" });
  expect(scopeSplitter(wrong)("1:count")).toBeUndefined();
});
