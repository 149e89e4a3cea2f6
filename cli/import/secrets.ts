import {
  CredentialsUnreadable,
  decryptCredentials,
} from "../../images/node-red/runtime/credentials.ts";
import { CliError } from "../errors.ts";
import type { Credentials } from "./types.ts";

/** Setting in which Node-RED keeps the secret that it has generated itself. */
export const GENERATED_SECRET = "_credentialSecret";

const FIX =
  "put the credentialSecret of the old settings.js into a file and name it with --credential-secret-file";

/**
 * Credentials in clear.
 * @param stored as Node-RED stores them: `{"$": …}` when encrypted
 * @param secret the one that was given, or that the source itself holds
 * @throws CliError when they are encrypted and the secret is missing or wrong: without them flows
 *   would look whole and fail
 */
export function revealed(stored: object, secret: string | undefined): Credentials {
  if (!("$" in stored)) return stored as Credentials;
  if (secret === undefined) {
    throw new CliError({
      what: "the credentials are encrypted, and their secret is not there",
      why: "it is in the old settings.js, not beside the flows",
      fix: FIX,
    });
  }
  try {
    return decryptCredentials(JSON.stringify(stored), secret) as Credentials;
  } catch (error) {
    if (!(error instanceof CredentialsUnreadable)) throw error;
    throw new CliError({
      what: "the credentials cannot be decrypted",
      why: error.message,
      fix: FIX,
    });
  }
}
