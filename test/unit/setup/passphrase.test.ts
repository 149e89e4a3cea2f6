import { afterEach, expect, test, vi } from "vitest";
import { localDirectory } from "../../../cli/context.ts";
import { judgePassphrase } from "../../../cli/doctor/state.ts";
import { knownCause } from "../../../cli/pulumi/failure.ts";
import { fitsPassphrase, missingPassphrase } from "../../../cli/pulumi/passphrase.ts";
import { STATE } from "../../../cli/pulumi/places.ts";

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

test("the doctor fails on a passphrase that cannot read the state", () => {
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", RIGHT);
  expect(judgePassphrase("dev", SALT)).toEqual({
    ...{ name: "passphrase", verdict: "ok", fix: "" },
    detail: "it reads the secrets of the state",
  });
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "nonsense");
  expect(judgePassphrase("dev", SALT)).toEqual({
    ...{ name: "passphrase", verdict: "fail" },
    detail:
      'the passphrase does not fit the state of the stack "dev": PULUMI_CONFIG_PASSPHRASE is set, and counts before the file',
    fix: "unset PULUMI_CONFIG_PASSPHRASE, or set the one that this state was made with; nothing was changed",
  });
});

test("without a passphrase the commands to begin anew are told, for every stack with a state", () => {
  const lines = missingPassphrase(["dev", "nu"]).fix?.split("\n") ?? [];
  const of = (stack: string) => [
    `docker ps -aq --filter label=redfleet.stack=${stack} | xargs -r docker rm -fv`,
    `docker network ls -q --filter label=redfleet.stack=${stack} | xargs -r docker network rm`,
    `docker volume ls -q --filter label=redfleet.stack=${stack} | xargs -r docker volume rm`,
  ];
  expect(lines).toEqual([
    "put the file back, or set PULUMI_CONFIG_PASSPHRASE",
    "or begin anew, without the data and with the stack file's secrets set again:",
    ...of("dev"),
    ...of("nu"),
    `rm -rf ${[STATE, localDirectory("dev"), localDirectory("nu")].join(" ")}`,
  ]);
});
