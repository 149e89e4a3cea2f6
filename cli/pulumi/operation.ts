import { ConfigError } from "../../config/errors.ts";
import { checkStackFile } from "../../config/stack-file.ts";

/** Operations that work on a platform, by each name that Pulumi gives them. */
const OPERATIONS: ReadonlyMap<string, string> = new Map([
  ...["up", "update"].map((name) => [name, "up"] as const),
  ...["preview", "pre"].map((name) => [name, "preview"] as const),
  ...["destroy", "down", "dn"].map((name) => [name, "destroy"] as const),
  ["refresh", "refresh"],
]);

/** Options that may stand before the operation and take the next word. */
const TAKES_WORD = /^(-s|--stack|-C|--cwd|--color|--profiling|--tracing|-v|--verbose)$/;

/** The first word of a command line of Pulumi that is no option; `undefined` where it asks for help only. */
export function commandOf(args: readonly string[]): string | undefined {
  if (args.some((arg) => /^(-h|--help)$/.test(arg))) return undefined;
  return args.find((arg, index) => !arg.startsWith("-") && !TAKES_WORD.test(args[index - 1] ?? ""));
}

/** What a command line of Pulumi does to a platform; `undefined` for all that does nothing to it. */
export const operationOf = (args: readonly string[]): string | undefined =>
  OPERATIONS.get(commandOf(args) ?? "");

/**
 * Checks the stack file before an operation starts: Pulumi's own reader takes a key that stands twice
 * or that is no text without a word. Another file (`--config-file`) is Pulumi's affair.
 * @param text the tracked stack file; `undefined` if there is none
 * @throws ConfigError with every problem
 */
export function assertChecked(
  args: readonly string[],
  stack: string,
  text: string | undefined,
): void {
  if (text === undefined || operationOf(args) === undefined) return;
  if (args.some((arg) => /^--config-file(=.*)?$/.test(arg))) return;
  const problems = checkStackFile(text, stack);
  if (problems.length > 0) throw new ConfigError(problems, `Pulumi.${stack}.yaml`);
}
