import { afterEach, expect, test, vi } from "vitest";
import {
  findPassword,
  keptVolume,
  requireFirstUser,
  unknownName,
} from "../../../cli/commands/password.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const passwords = { clusters: { main: "m-secret" }, tenants: { acme: "a-secret" } };

test("a password is found by the name of its cluster or tenant", () => {
  expect(findPassword(passwords, "main")).toBe("m-secret");
  expect(findPassword(passwords, "acme")).toBe("a-secret");
});

test.each(["constructor", "toString"])("%s is no password", (name) => {
  expect(findPassword(passwords, name)).toBeUndefined();
});

test("an unknown name is answered with those that are known, not with a secret", () => {
  expect({ ...unknownName(passwords, "nu", "acne") }).toMatchObject({
    what: 'the stack "nu" has no cluster or tenant "acne"',
    why: "it has acme, main",
    fix: "npx redfleet tenant add acne --template nodered-5 --stack nu adds a tenant",
  });
});

test("of a removed tenant it is said that its data is still here", () => {
  expect({
    ...unknownName(passwords, "dev", "old", { kept: "dev-tenant-old-data" }),
  }).toMatchObject({
    what: 'the stack "dev" has no cluster or tenant "old"',
    why: 'it has acme, main; the data of a removed tenant "old" is still here (dev-tenant-old-data)',
    fix: "npx redfleet tenant add old --template <the one it had> brings it back with its data",
  });
});

test("of a renamed tenant it is said what it is called now, whose data it is", () => {
  const names = { renamed: "acme", kept: "dev-tenant-old-data" };
  expect({ ...unknownName(passwords, "dev", "old", names) }).toMatchObject({
    why: "it was renamed; it has acme, main",
    fix: "name it acme",
  });
});

test.each(["tcp://192.0.2.1:2375", "unix:///nowhere.sock"])(
  "an engine that cannot be asked for it is no failure: %s",
  async (host) => {
    vi.stubEnv("DOCKER_HOST", host);
    expect(await keptVolume("dev", "old")).toBeUndefined();
  },
);

test("of another user nobody knows the password, and a new one can be given", () => {
  expect(() => requireFirstUser("nu", "main", "admin")).not.toThrow();
  expect(() => requireFirstUser("nu", "main", "eve")).toThrow(
    expect.objectContaining({
      fix: "npx redfleet user password main eve --stack nu gives another one",
    }),
  );
});
