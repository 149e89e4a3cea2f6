import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { renderResult } from "../../../cli/commands/up.ts";

const result = {
  ...{ stack: "dev", domain: "r.localhost", https: 8443, caFile: null, clusters: {}, erased: [] },
  ...{ changes: {}, seconds: 9, outdated: false },
};

test("a tenant that is stopped has no login, but a way to start it", () => {
  const tenants = {
    acme: { url: "https://acme.r.localhost:8443/", state: "running" },
    globex: { url: "https://globex.r.localhost:8443/", state: "stopped" },
  };
  const lines = stripVTControlCharacters(renderResult({ ...result, tenants })).split("\n");
  const after = (name: string) =>
    lines[lines.findIndex((line) => line.trim().startsWith(name)) + 1]?.trim();
  expect(after("acme")).toBe("user admin, password: npx redfleet password acme");
  expect(after("globex")).toBe("stopped: npx redfleet tenant start globex --up");
});

test("what to do next names the stack, as `dev` would be meant without", () => {
  const last = (stack: string) =>
    stripVTControlCharacters(renderResult({ ...result, stack, tenants: {} }))
      .split("\n")
      .slice(-4);
  expect(last("dev").join()).not.toContain("--stack");
  expect(last("nu")).toEqual([
    "    npx redfleet status --stack nu",
    "    npx redfleet logs <name> --stack nu",
    "    npx redfleet tenant add <name> --stack nu",
    "    npx redfleet down --stack nu",
  ]);
});

test("a stack file that was changed meanwhile is told, with the command that applies it", () => {
  const told = (outdated: boolean) =>
    renderResult({ ...result, stack: "nu", outdated, tenants: {} })
      .split("\n")
      .filter((line) => line.includes("has changed"));
  expect(told(false)).toEqual([]);
  expect(told(true)).toEqual([
    "  Pulumi.nu.yaml has changed since this run began: npx redfleet up --stack nu",
  ]);
});
