import { describe, expect, test } from "vitest";
import { databaseUri, serversOf, trusting } from "../../../components/mongodb/uri.ts";

describe("the connection string of a database's own user", () => {
  test.each([
    [
      "mongodb://a:b@h1:27017,h2:27018/admin?replicaSet=rs0",
      "mongodb://tenant-x:pw@h1:27017,h2:27018/tenant-x?replicaSet=rs0&authSource=tenant-x",
    ],
    ["mongodb://h1", "mongodb://tenant-x:pw@h1/tenant-x?authSource=tenant-x"],
    ["mongodb://a:b%40c@h1/ \n", "mongodb://tenant-x:pw@h1/tenant-x?authSource=tenant-x"],
    [
      "mongodb+srv://a:b@c0.example.net/?retryWrites=true&authSource=admin&authMechanism=SCRAM-SHA-1",
      "mongodb+srv://tenant-x:pw@c0.example.net/tenant-x?retryWrites=true&authSource=tenant-x",
    ],
  ])("%s", (uri, expected) => {
    expect(databaseUri(uri, "tenant-x", "pw")).toBe(expected);
  });

  test("is not made from what is none, and that is not repeated", () => {
    for (const uri of ["postgres://u:hunter2@h/", "hunter2", "mongodb://", "mongodb://u:p@a@b/"]) {
      expect(() => databaseUri(uri, "tenant-x", "pw")).toThrow(/is no connection string/);
      expect(() => databaseUri(uri, "tenant-x", "pw")).not.toThrow(/hunter2/);
    }
  });
});

test.each([
  ["mongodb://a:b@h", "mongodb://a:b@h/?tls=true&tlsCAFile=%2Fca.crt"],
  [
    "mongodb://h/db?replicaSet=x&ssl=false",
    "mongodb://h/db?replicaSet=x&tls=true&tlsCAFile=%2Fca.crt",
  ],
])("%s trusts an authority", (uri, expected) => {
  expect(trusting(uri, "/ca.crt")).toBe(expected);
});

test.each([
  ["mongodb://a:b@h1:27018,h2/?replicaSet=x", ["h1:27018", "h2:27017"]],
  ["mongodb+srv://a:b@c0.example.net/", ["srv:c0.example.net"]],
])("%s names its servers", (uri, expected) => {
  expect(serversOf(uri)).toEqual(expected);
});
