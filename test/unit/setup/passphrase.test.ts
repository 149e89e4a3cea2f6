import { afterEach, expect, test, vi } from "vitest";
import { knownCause } from "../../../cli/pulumi/failure.ts";
import { fitsPassphrase } from "../../../cli/pulumi/passphrase.ts";

/** Written by Pulumi 3.259.0 for the passphrase below. */
const SALT = "v1:o8c/EdSKyTU=:v1:spAtbR1u22AGHJXn:voI+ytnyf5r4pyyx/o3p98KJ7UbHAA==";
const RIGHT = "a passphrase of a test";

afterEach(() => {
  vi.unstubAllEnvs();
});

test("a passphrase fits the salt that Pulumi made with it, and no other", () => {
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", RIGHT);
  expect(fitsPassphrase(SALT)).toBe(true);
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", `${RIGHT}.`);
  expect(fitsPassphrase(SALT)).toBe(false);
});

test.each([undefined, "", "v2:x", "v1:a"])("nothing is said about the salt %s", (salt) => {
  expect(fitsPassphrase(salt)).toBe(true);
});

test("the message says where the wrong passphrase came from", () => {
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "x");
  const given = knownCause("dev", "error: incorrect passphrase");
  expect(given?.what).toBe('the passphrase does not fit the state of the stack "dev"');
  expect(given?.fix).toContain("unset PULUMI_CONFIG_PASSPHRASE");
  vi.unstubAllEnvs();
  const own = knownCause("dev", "error: incorrect passphrase");
  expect(own?.why).toMatch(/it is the one in .*\.redfleet\/passphrase$/);
});
