import { basename, delimiter, dirname, join } from "node:path";
import type { Command } from "commander";
import { globals, ROOT } from "../context.ts";
import { printJson } from "../output.ts";
import { PASSPHRASE, STATE } from "../pulumi/places.ts";
import { pulumiHome } from "../setup/toolchain/versions.ts";

/** `redfleet env`: what a shell needs to work on this clone: `eval "$(npx redfleet env)"`. */
export function registerEnv(program: Command): void {
  program
    .command("env")
    .description('print the environment for a shell: eval "$(npx redfleet env)"')
    .action((_options: unknown, command: Command) => {
      const { stack, json } = globals(command);
      const variables = shellEnvironment(stack);
      if (json) return printJson(variables);
      for (const [name, value] of Object.entries(variables)) {
        console.log(`export ${name}=${quote(value)}`);
      }
    });
}

/** The clone's own commands first, `pulumi` among them, then its Node; the state and its passphrase. */
function shellEnvironment(stack: string): Record<string, string> {
  const path = [join(ROOT, "node_modules", ".bin"), dirname(process.execPath)];
  const rest = withoutNpm((process.env.PATH ?? "").split(delimiter));
  return {
    PATH: [...new Set([...path, ...rest])].join(delimiter),
    PULUMI_HOME: pulumiHome(),
    PULUMI_BACKEND_URL: `file://${STATE}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: PASSPHRASE,
    PULUMI_STACK: stack,
    REDFLEET_STACK: stack,
  };
}

/**
 * What the shell had before npm or npx put its own folders in front of it: caches, and `node_modules` of every
 * folder above. The one of node-gyp is the last of them (@npmcli/run-script, lib/set-path.js).
 */
const withoutNpm = (path: readonly string[]): string[] =>
  path.slice(path.findLastIndex((entry) => basename(entry) === "node-gyp-bin") + 1);

const quote = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;
