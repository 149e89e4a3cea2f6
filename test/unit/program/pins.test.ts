import { expect, test } from "vitest";
import { pinProblems } from "../../../images/node-red/runtime/pins.ts";

const env = [{ name: "REDFLEET_RUN_ON", value: "0", type: "str" }];
const endpoint = { id: "in", type: "http in", z: "tab", method: "get", url: "/part" };
const problems = (...flows: Parameters<typeof pinProblems>[0][number][]) =>
  pinProblems(flows, { role: "editor" });

test("an endpoint that only some replicas have is refused", () => {
  const found = [
    'GET /part: REDFLEET_RUN_ON must hold "replicas", because requests reach all of them',
  ];
  expect(problems({ id: "tab", type: "tab", env }, endpoint)).toEqual(found);
});

test("one that is switched off, or on a tab that is, answers nobody and is none", () => {
  expect(problems({ id: "tab", type: "tab", env, disabled: true }, endpoint)).toEqual([]);
  expect(problems({ id: "tab", type: "tab", env }, { ...endpoint, d: true })).toEqual([]);
});
