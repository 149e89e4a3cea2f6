import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { writeAtomic } from "../setup/files.ts";
import { LOCAL, PASSPHRASE, PROJECT, STATE } from "./places.ts";

/**
 * Sees to it that this clone has a place for its state and a passphrase for the secrets in it. A
 * state whose passphrase is gone is refused: a new one could not read it.
 */
export async function ensureLocalState(): Promise<void> {
  await mkdir(STATE, { recursive: true, mode: 0o700 });
  if (process.env.PULUMI_CONFIG_PASSPHRASE !== undefined || existsSync(PASSPHRASE)) return;
  if (hasStacks()) {
    throw new CliError({
      what: `the passphrase of this clone's state is missing (${PASSPHRASE})`,
      why: "the secrets in the state cannot be read without it, and no other one will do",
      fix: `put the file back, or set PULUMI_CONFIG_PASSPHRASE; to begin anew: docker objects and ${LOCAL} must go`,
    });
  }
  await writeAtomic(PASSPHRASE, `${randomBytes(32).toString("base64url")}\n`, 0o600);
}

function hasStacks(): boolean {
  try {
    const names = readdirSync(join(STATE, ".pulumi", "stacks", PROJECT));
    return names.some((name) => name.endsWith(".json"));
  } catch {
    return false;
  }
}
