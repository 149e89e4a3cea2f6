import { expect, test } from "vitest";
import { edit, parseKey } from "../../../images/node-red/runtime/context/path.ts";

const edited = (key: string, value: unknown, part: unknown) =>
  edit(parseKey(key), structuredClone(value), part);

test.each([
  ["a[0].b", [null]],
  ["a[0].b.c", [null]],
  ["a[0].b.c.d", [5]],
  ["a.b.c", { b: "text" }],
])("below a plain value %s neither sets nor deletes: %j", (key, value) => {
  expect(edited(key, value, 1)).toEqual(value);
  expect(edited(key, value, undefined)).toEqual(value);
});

test("a nested key is set, made and deleted", () => {
  expect(edited("a[1].b", [null], 1)).toEqual([null, { b: 1 }]);
  expect(edited("a.b[0]", {}, 1)).toEqual({ b: [1] });
  expect(edited("a[0]", [1, 2], undefined)).toEqual([2]);
});

test("a failure that has another reason is told", () => {
  expect(() => edit(parseKey("a[0]"), Object.freeze([1]), undefined)).toThrow(TypeError);
});
