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
  expect(redfleet("up")).toBe("npx redfleet up");
  expect(redfleet("tenant start acme --up", "nu")).toBe(
    "npx redfleet tenant start acme --up --stack nu",
  );
  hintsFor("nu");
  expect(explain(Object.assign(new Error("no"), { statusCode: 500 })).fix).toBe(
    "npx redfleet doctor --stack nu",
  );
});

test("REDFLEET_STACK changes what is meant without a flag", () => {
  vi.stubEnv("REDFLEET_STACK", "nu");
  expect([redfleet("up", "dev"), redfleet("up", "nu")]).toEqual([
    "npx redfleet up --stack dev",
    "npx redfleet up --stack nu",
  ]);
});

test("a secret that is missing goes to the stack whose file names it, whatever Pulumi has selected", () => {
  const context = { secretNames: [], readFile: () => "", given: () => true };
  const fixOf = (stack: string) => missingSecret("a.b", "token", { ...context, stack })[0]?.fix;
  const set = "npx pulumi config set --secret --path 'redfleet:secrets.token'";
  expect([fixOf("dev"), fixOf("nu")]).toEqual([`${set} --stack dev`, `${set} --stack nu`]);
});

/** A command of ours in a text, to its end. */
const COMMAND =
  /\b(?:redfleet|pulumi) (?:up|down|status|logs|tenant|password|user|doctor|validate|restart|revisions|rollback|open|preview|config|cancel)\b[^"`;,]*/g;

/** The command names its stack, or is of another clone; what it says may be what it did. */
const NAMED = /--stack|\$\{stackFlag\(|^redfleet up there|^pulumi up[$:]/;

/** Lines of the help, and of what went wrong. */
const NO_HINT = /\.description\(|\.option\(|\.argument\(|Encrypted by|what: /;

/** Commands in a line of code that do not say which stack they are for. */
const nameless = (line: string): string[] =>
  /^\s*(\*|\/)/.test(line) || NO_HINT.test(line)
    ? []
    : (line.match(COMMAND) ?? []).filter((command) => !NAMED.test(command));

test("no text of the command names another one without its stack", () => {
  const found = globSync("{cli,components,config}/**/*.ts").flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line) => nameless(line).map((command) => `${file}: ${command}`)),
  );
  expect(found).toEqual([]);
});

test("a stack that one command of a line names is not that of the others", () => {
  const line = `fix: \`npx redfleet down --stack \${stack}; npx redfleet up, or "npx redfleet status"\`,`;
  expect(nameless(line)).toEqual(["redfleet up", "redfleet status"]);
});
