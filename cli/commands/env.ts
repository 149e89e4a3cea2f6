import { delimiter, dirname, join } from "node:path";
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
  const rest = (process.env.PATH ?? "").split(delimiter).filter((entry) => !path.includes(entry));
  return {
    PATH: [...path, ...rest].join(delimiter),
    PULUMI_HOME: pulumiHome(),
    PULUMI_BACKEND_URL: `file://${STATE}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: PASSPHRASE,
    PULUMI_STACK: stack,
    REDFLEET_STACK: stack,
  };
}

const quote = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;
