/** Names that a shell, Node and Docker all accept. */
export const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const RESERVED = new Set([
  ...["PORT", "HOME", "PATH", "NODE_PATH", "NODE_OPTIONS", "NODE_ENV", "NODE_EXTRA_CA_CERTS"],
  ...["NODE_TLS_REJECT_UNAUTHORIZED", "LD_PRELOAD", "LD_LIBRARY_PATH", "FLOWS"],
]);

const RESERVED_PREFIXES = [
  ...["NODE_RED_", "NR_", "NPM_CONFIG_", "KUBERNETES_", "DOCKER_", "PULUMI_", "REDFLEET_"],
];

/** What is reserved, for the reference: names, and prefixes with a star. */
export const ENVIRONMENT_RULES: readonly string[] = [
  ...RESERVED,
  ...RESERVED_PREFIXES.map((prefix) => `${prefix}*`),
];

/** Where to set what a reserved variable would set. */
const INSTEAD: Readonly<Record<string, string>> = {
  NODE_OPTIONS: "set memory; the heap follows it",
  PORT: "leave it out; the edge finds the runtime",
  FLOWS: "leave it out; flows live in the flow store",
};

/** True for variables that the platform or the loader of a process owns. */
export function isReservedVariable(name: string): boolean {
  const upper = name.toUpperCase();
  return RESERVED.has(upper) || RESERVED_PREFIXES.some((prefix) => upper.startsWith(prefix));
}

/** The fix for a reserved variable. */
export function insteadOf(name: string): string {
  return INSTEAD[name.toUpperCase()] ?? "choose another name";
}

/** A name that promises a secret: its value belongs into `secretEnv`. */
export function looksSecret(name: string): boolean {
  return /(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY)$/i.test(name);
}
