import { expect, test } from "vitest";
import { findPassword, requireFirstUser } from "../../../cli/commands/password.ts";

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

test("of another user nobody knows the password, and a new one can be given", () => {
  expect(() => requireFirstUser("admin", "main")).not.toThrow();
  expect(() => requireFirstUser("eve", "main")).toThrow(
    expect.objectContaining({ fix: "redfleet user password main eve gives another one" }),
  );
});
