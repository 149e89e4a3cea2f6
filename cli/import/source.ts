import { CliError } from "../errors.ts";
import { readMongo } from "./mongodb.ts";
import type { Found, SourceOptions } from "./types.ts";
import { readUserDir } from "./user-dir.ts";
import { readValkey } from "./valkey.ts";

/**
 * Reads what shall be imported; changes nothing there.
 * @param location a user directory, or the URL of a MongoDB, Valkey or Redis
 * @throws CliError when nothing that is known can be found there
 */
export async function readSource(location: string, options: SourceOptions): Promise<Found> {
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(location)?.[1]?.toLowerCase();
  if (scheme === undefined) return readUserDir(location, options);
  if (scheme === "mongodb" || scheme === "mongodb+srv") return readMongo(location, options);
  if (["redis", "rediss", "valkey", "valkeys"].includes(scheme)) {
    return readValkey(location, options);
  }
  throw new CliError({
    what: `"${scheme}://" is no source to import from`,
    why: "a source is a user directory, mongodb://…, or redis://… (also rediss, valkey, valkeys)",
    fix: "npx redfleet import --help has examples",
  });
}
