import { globSync, readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { explain } from "../../../cli/errors.ts";
import { hintsFor, redfleet } from "../../../cli/hint.ts";
import { missingSecret } from "../../../config/rules/rule.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  hintsFor("dev");
});

test("a hint names the stack that is worked on, unless every command means it anyway", () => {
  vi.stubEnv("REDFLEET_STACK", undefined);
  expect(redfleet("up")).toBe("redfleet up");
  expect(redfleet("tenant start acme --up", "nu")).toBe(
    "redfleet tenant start acme --up --stack nu",
  );
  hintsFor("nu");
  expect(explain(Object.assign(new Error("no"), { statusCode: 500 })).fix).toBe(
    "redfleet doctor --stack nu",
  );
});

test("REDFLEET_STACK changes what is meant without a flag", () => {
  vi.stubEnv("REDFLEET_STACK", "nu");
  expect([redfleet("up", "dev"), redfleet("up", "nu")]).toEqual([
    "redfleet up --stack dev",
    "redfleet up --stack nu",
  ]);
});

test("a secret that is missing goes to the stack whose file names it, whatever Pulumi has selected", () => {
  const context = { secretNames: [], readFile: () => "", given: () => true };
  const fixOf = (stack: string) => missingSecret("a.b", "token", { ...context, stack })[0]?.fix;
  const set = "npx pulumi config set --secret --path 'redfleet:secrets.token'";
  expect([fixOf("dev"), fixOf("nu")]).toEqual([`${set} --stack dev`, `${set} --stack nu`]);
});

/** What stands in a text of ours and is no hint of what to do with a stack. */
const NO_HINT =
  /--stack|--help|\.description\(|\.option\(|\.argument\(|Encrypted by|what: |pulumi up[$:]|from-file|eval /;

test("no text of the command names another one without its stack", () => {
  const command =
    /["'`][^"'`]*\b(?:redfleet|pulumi) (?:up|down|status|logs|tenant|password|user|doctor|validate|restart|revisions|preview|config|cancel)\b/;
  const found = globSync("{cli,config}/**/*.ts").flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => command.test(line) && !/^\s*(\*|\/)/.test(line))
      .filter((line) => !line.includes("stackFlag") && !NO_HINT.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );
  expect(found).toEqual([]);
});
