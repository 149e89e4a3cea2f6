import { afterEach, expect, test, vi } from "vitest";
import { planContext } from "../../../components/context.ts";
import type { Cluster } from "../../../components/node-red/component.ts";
import { outputsOf } from "../../../components/outputs.ts";
import { parsePlatform } from "../../../config/parse.ts";
import { VALID } from "../config/parse.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The file with the CA that the outputs of a platform with this TLS name. */
function caFileOf(tls: object): string | null {
  const platform = { ...VALID, edge: { tls } };
  const { config } = parsePlatform(platform, { stack: "dev", secretNames: [] });
  return outputsOf(planContext("dev", config), {}, {}).caFile;
}

test("the outputs tell where the CA is; given certificates have none of ours", () => {
  expect(caFileOf({ mode: "ownCa" })).toBe(".redfleet/dev/ca.crt");
  expect(caFileOf({ mode: "files", certificate: "a.crt", key: "a.key" })).toBeNull();
});

test.each([
  ["dev", "npx redfleet password main"],
  ["nu", "npx redfleet password main --stack nu"],
])("what the outputs of %s say next does not depend on the shell", (stack, command) => {
  const { config } = parsePlatform(VALID, { stack, secretNames: [] });
  const main = { url: "https://main.example.org" } as Cluster;
  for (const named of [undefined, "dev", "nu"]) {
    vi.stubEnv("REDFLEET_STACK", named);
    expect(outputsOf(planContext(stack, config), { main }, {}).next).toBe(
      `Open https://main.example.org and log in as admin: ${command}`,
    );
  }
});
