import { createDecipheriv, pbkdf2Sync } from "node:crypto";
import { readFileSync } from "node:fs";
import { localDirectory } from "../context.ts";
import { LABEL } from "../engine/labels.ts";
import type { Explanation } from "../errors.ts";
import { PASSPHRASE, STATE } from "./places.ts";

const VARIABLE = "PULUMI_CONFIG_PASSPHRASE";
/** Of Pulumi's passphrase secrets manager: rounds of PBKDF2, and what a salt has encrypted as a check. */
const ROUNDS = 1_000_000;
const CHECK = "pulumi";
const TAG_BYTES = 16;

/**
 * True if the passphrase in use can read what a salt protects, or if nothing can be said about it.
 * @param salt `v1:<salt>:v1:<nonce>:<ciphertext and tag>`, as in `encryptionsalt`
 */
export function fitsPassphrase(salt: string | undefined): boolean {
  const [version, seed, , nonce, sealed] = salt?.split(":") ?? [];
  const passphrase = passphraseInUse();
  if (version !== "v1" || !seed || !nonce || !sealed || passphrase === undefined) return true;
  const key = pbkdf2Sync(passphrase, Buffer.from(seed, "base64"), ROUNDS, 32, "sha256");
  const bytes = Buffer.from(sealed, "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const text = decipher.update(bytes.subarray(0, -TAG_BYTES));
    return Buffer.concat([text, decipher.final()]).toString() === CHECK;
  } catch {
    return false;
  }
}

/** As Pulumi takes it: the variable, or else this clone's file. */
function passphraseInUse(): string | undefined {
  try {
    return process.env[VARIABLE] ?? readFileSync(PASSPHRASE, "utf8").trim();
  } catch {
    return undefined;
  }
}

/**
 * Why the secrets of a state cannot be read, if they cannot.
 * @param salt of that state
 */
export function passphraseProblem(
  stack: string,
  salt: string | undefined,
): Explanation | undefined {
  if (passphraseInUse() === undefined) return missingPassphrase([stack]);
  return fitsPassphrase(salt) ? undefined : wrongPassphrase(stack);
}

/**
 * Says that there is no passphrase, and how to do without what it protects.
 * @param stacks those that have a state in this clone
 */
export function missingPassphrase(stacks: readonly string[]): Explanation {
  return {
    what: `the passphrase of this clone's state is missing (${PASSPHRASE})`,
    why: "the secrets in the state cannot be read without it, and no other one will do",
    fix: [
      `put the file back, or set ${VARIABLE}`,
      ...beginAnew(stacks, [STATE, ...stacks.map(localDirectory)]),
    ].join("\n"),
  };
}

/**
 * The way out where nobody can read a state any more: commands that leave nothing of it, on the engine and here.
 * @param paths files and folders of it
 */
export const beginAnew = (stacks: readonly string[], paths: readonly string[]): string[] => [
  "or begin anew, without the data and with the stack file's secrets set again:",
  ...stacks.flatMap(erasure),
  `rm -rf ${paths.join(" ")}`,
];

/** What removes all of a stack from the engine by hand. */
function erasure(stack: string): string[] {
  const filter = `--filter label=${LABEL.stack}=${stack} | xargs -r docker`;
  return [
    `docker ps -aq ${filter} rm -fv`,
    `docker network ls -q ${filter} network rm`,
    `docker volume ls -q ${filter} volume rm`,
  ];
}

/** Says where the wrong passphrase came from. */
export function wrongPassphrase(stack: string): Explanation {
  const given = process.env[VARIABLE] !== undefined;
  return {
    what: `the passphrase does not fit the state of the stack "${stack}"`,
    why: given
      ? `${VARIABLE} is set, and counts before the file`
      : `it is the one in ${PASSPHRASE}`,
    fix: given
      ? `unset ${VARIABLE}, or set the one that this state was made with; nothing was changed`
      : `put the one that this state was made with back into that file; nothing was changed`,
  };
}
