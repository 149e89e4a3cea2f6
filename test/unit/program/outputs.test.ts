import { expect, test } from "vitest";
import { planContext } from "../../../components/context.ts";
import { outputsOf } from "../../../components/outputs.ts";
import { parsePlatform } from "../../../config/parse.ts";
import { VALID } from "../config/parse.ts";

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
