import { parsePlatform } from "../../config/parse.ts";
import type { PlatformConfig } from "../../config/schema.ts";
import { CliError } from "../errors.ts";
import { PLATFORM } from "./document.ts";
import { openStackFile } from "./edit.ts";

/** As {@link declaredPlatform}; undefined where there is no stack file, or one with errors. */
export async function readablePlatform(stack: string): Promise<PlatformConfig | undefined> {
  return declaredPlatform(stack).catch((error: unknown) => {
    if (error instanceof CliError) return undefined;
    throw error;
  });
}

/** What the stack file declares, defaults filled in. */
export async function declaredPlatform(stack: string): Promise<PlatformConfig> {
  const { document } = await openStackFile(stack);
  const declared = (document.toJS() as { config?: Record<string, unknown> } | null)?.config;
  // which secrets exist is of no matter here
  const context = { stack, secretNames: undefined };
  const { problems, config } = parsePlatform(declared?.[PLATFORM[1]], context);
  if (problems.length === 0) return config;
  throw new CliError({
    what: "what the stack file declares cannot be checked",
    why: "it has errors",
    fix: "correct the stack file first: see its own line here",
  });
}
