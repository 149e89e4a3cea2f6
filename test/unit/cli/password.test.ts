import { expect, test } from "vitest";
import { findPassword } from "../../../cli/commands/password.ts";

const passwords = { clusters: { main: "m-secret" }, tenants: { acme: "a-secret" } };

test("a password is found by the name of its cluster or tenant", () => {
  expect(findPassword(passwords, "dev", "main")).toBe("m-secret");
  expect(findPassword(passwords, "dev", "acme")).toBe("a-secret");
});

test.each(["constructor", "toString"])("%s is no password", (name) => {
  expect(() => findPassword(passwords, "dev", name)).toThrow(/has no cluster or tenant/);
});

test("an unknown name is answered with those that are known, not with a secret", () => {
  const asked = () => findPassword(passwords, "dev", "acne");
  expect(asked).toThrow(expect.objectContaining({ why: "it has acme, main" }));
  expect(asked).not.toThrow(/secret/);
});
