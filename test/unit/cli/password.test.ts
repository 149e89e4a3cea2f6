import { expect, test } from "vitest";
import { findPassword, requireFirstUser, unknownName } from "../../../cli/commands/password.ts";

const passwords = { clusters: { main: "m-secret" }, tenants: { acme: "a-secret" } };

test("a password is found by the name of its cluster or tenant", () => {
  expect(findPassword(passwords, "main")).toBe("m-secret");
  expect(findPassword(passwords, "acme")).toBe("a-secret");
});

test.each(["constructor", "toString"])("%s is no password", (name) => {
  expect(findPassword(passwords, name)).toBeUndefined();
});

test("an unknown name is answered with those that are known, not with a secret", () => {
  expect({ ...unknownName(passwords, "nu", "acne", undefined) }).toMatchObject({
    what: 'the stack "nu" has no cluster or tenant "acne"',
    why: "it has acme, main",
    fix: "redfleet tenant add acne --template nodered-5 --stack nu adds a tenant",
  });
});

test("of a removed tenant it is said that its data is still here", () => {
  expect({ ...unknownName(passwords, "dev", "old", "dev-tenant-old-data") }).toMatchObject({
    what: 'the stack "dev" has no cluster or tenant "old"',
    why: 'it has acme, main; the data of a removed tenant "old" is still here (dev-tenant-old-data)',
    fix: "redfleet tenant add old --template nodered-5 brings it back with its data",
  });
});

test("of another user nobody knows the password, and a new one can be given", () => {
  expect(() => requireFirstUser("admin", "main")).not.toThrow();
  expect(() => requireFirstUser("eve", "main")).toThrow(
    expect.objectContaining({ fix: "redfleet user password main eve gives another one" }),
  );
});
