import { parsePlatform } from "../../config/parse.ts";
import type { PlatformConfig } from "../../config/schema.ts";
import { CliError } from "../errors.ts";
import { PLATFORM } from "./document.ts";
import { openStackFile } from "./edit.ts";

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
