import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { writeAtomic } from "../setup/files.ts";
import { missingPassphrase } from "./passphrase.ts";
import { PASSPHRASE, PROJECT, STATE } from "./places.ts";

/**
 * Sees to it that this clone has a place for its state and a passphrase for the secrets in it. A
 * state whose passphrase is gone is refused: a new one could not read it.
 */
export async function ensureLocalState(): Promise<void> {
  await mkdir(STATE, { recursive: true, mode: 0o700 });
  if (process.env.PULUMI_CONFIG_PASSPHRASE !== undefined || existsSync(PASSPHRASE)) return;
  const stacks = stacksWithState();
  if (stacks.length > 0) throw new CliError(missingPassphrase(stacks));
  await writeAtomic(PASSPHRASE, `${randomBytes(32).toString("base64url")}\n`, 0o600);
}

function stacksWithState(): string[] {
  try {
    const names = readdirSync(join(STATE, ".pulumi", "stacks", PROJECT));
    return names
      .filter((name) => name.endsWith(".json"))
      .map((name) => name.slice(0, -".json".length));
  } catch {
    return [];
  }
}
