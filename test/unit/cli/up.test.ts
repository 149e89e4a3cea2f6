import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { renderResult } from "../../../cli/commands/up.ts";

const result = {
  ...{ stack: "dev", domain: "r.localhost", https: 8443, caFile: null, clusters: {}, erased: [] },
  ...{ changes: {}, seconds: 9 },
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
