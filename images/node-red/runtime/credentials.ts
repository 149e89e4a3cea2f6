/** Stored credentials: decrypt them to see which nodes' credentials differ between two revisions. */
import { createDecipheriv, createHash } from "node:crypto";

/** Node-RED's form: `{"$": iv in hex + ciphertext in base64}`, AES-256-CTR, key = SHA-256(secret). */
const ALGORITHM = "aes-256-ctr";
const IV_HEX_LENGTH = 32;

type ByNode = Record<string, unknown>;

/** The stored credentials cannot be read with this secret. */
export class CredentialsUnreadable extends Error {
  constructor() {
    super("the stored credentials cannot be decrypted with this credential secret");
    this.name = "CredentialsUnreadable";
  }
}

/** Credentials by node id. An empty store is `{}`. */
export function decryptCredentials(stored: string, secret: string): ByNode {
  const envelope = JSON.parse(stored) as { $?: string };
  if (typeof envelope.$ !== "string") return envelope as ByNode;
  const iv = Buffer.from(envelope.$.slice(0, IV_HEX_LENGTH), "hex");
  const key = createHash("sha256").update(secret).digest();
  try {
    const decipher = createDecipheriv(ALGORITHM, key, iv);
    const text = envelope.$.slice(IV_HEX_LENGTH);
    const plain = decipher.update(text, "base64", "utf8") + decipher.final("utf8");
    return JSON.parse(plain) as ByNode;
  } catch {
    // A wrong key gives noise, which is no JSON.
    throw new CredentialsUnreadable();
  }
}

/** Ids of the nodes whose credentials differ. */
export function changedCredentials(before: ByNode, after: ByNode): Set<string> {
  const ids = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...ids].filter((id) => JSON.stringify(before[id]) !== JSON.stringify(after[id]));
  return new Set(changed);
}
