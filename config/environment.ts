import { RESERVED_PREFIXES, RESERVED_VARIABLES } from "../images/node-red/runtime/environment.ts";
import { hasPassword } from "./passwords.ts";

/** What is reserved, for the reference: names, and prefixes with a star. */
export const ENVIRONMENT_RULES: readonly string[] = [
  ...RESERVED_VARIABLES,
  ...RESERVED_PREFIXES.map((prefix) => `${prefix}*`),
];

/** Where to set what a reserved variable would set. */
const INSTEAD: Readonly<Record<string, string>> = {
  NODE_OPTIONS: "set memory; the heap follows it",
  PORT: "leave it out; the edge finds the runtime",
  FLOWS: "leave it out; flows live in the flow store",
};

/** The fix for a reserved variable. */
export function insteadOf(name: string): string {
  return INSTEAD[name.toUpperCase()] ?? "choose another name";
}

/** A name that promises a secret: its value belongs into `secretEnv`. */
export function looksSecret(name: string): boolean {
  return /(PASSWORD|PASSWD|PASSPHRASE|(^|_)PASS|SECRET|TOKEN|CREDENTIALS?|(API|ACCESS|AUTH|PRIVATE)_?KEY)$/i.test(
    name,
  );
}

/** Forms that only secrets have; the prefixes are those that the issuers document for their scanners. */
const SECRET_VALUES: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /^(gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk_live_|npm_)[\w-]{8,}/,
  /^(AKIA|ASIA)[A-Z\d]{16}$/,
  /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$/,
];

/** A value that is a secret whatever its name is: a login in an address, a key, a token. */
export function isSecretValue(value: unknown): boolean {
  if (typeof value !== "string") return false;
  return hasPassword(value) || SECRET_VALUES.some((form) => form.test(value.trim()));
}
