import { RESERVED_PREFIXES, RESERVED_VARIABLES } from "../images/node-red/runtime/environment.ts";

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
  return /(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY)$/i.test(name);
}
