import { z } from "zod";
import { KEY_PATTERN } from "../names.ts";
import { isIpv4 } from "../network.ts";
import { says } from "../problems.ts";
import { formatMemory, parseCpus, parseMemory } from "../units.ts";

const MEMORY_RULE = says(
  "REDFLEET_CFG_MEMORY",
  "a size with a unit, whole megabytes",
  'write it like "512 MB" or "1.5 GB"',
);

/** `"512 MB"`, read into whole megabytes. */
export const Memory = z
  .string(MEMORY_RULE)
  .refine((text) => parseMemory(text) !== undefined, MEMORY_RULE)
  .transform((text) => parseMemory(text) ?? 0);

/** A memory limit that a part can start with; with less the kernel ends it before it is healthy. */
export function memoryFrom(minimum: number) {
  const rule = `at least ${formatMemory(minimum)}, or it does not start`;
  const said = says("REDFLEET_CFG_MEMORY", rule, `use ${formatMemory(minimum)} or more`);
  return Memory.refine((megabytes) => megabytes >= minimum, said);
}

/** Smallest limit of an editor, a replica or a tenant's runtime, in MB: Node-RED with its flow store. */
export const NODE_RED_MEMORY = 128;

const CPUS_RULE = says(
  "REDFLEET_CFG_CPUS",
  "a number of CPUs above 0 with at most 3 decimals",
  "write it like 0.5 or 2",
);

/** CPUs as a number or, as `pulumi config set` writes fractions, as text. */
export const Cpus = z
  .union([z.number(), z.string()], CPUS_RULE)
  .refine((value) => parseCpus(value) !== undefined, CPUS_RULE)
  .transform((value) => parseCpus(value) ?? 0);

/**
 * A key of a map: an identity for ever. The pattern is for editors; `rules/names.ts` refuses bad keys, so
 * that a bad key does not hide what is wrong below it.
 */
export const Key = z.string().meta({ pattern: KEY_PATTERN.source });

const PORT_RULE = says(
  "REDFLEET_CFG_PORT",
  "a port, 1..65535",
  "write a number, without quotes: a free port of the host",
);

/** A TCP port of the host. */
export const Port = z.int(PORT_RULE).min(1, PORT_RULE).max(65535, PORT_RULE);

const ADDRESS_RULE = says(
  "REDFLEET_CFG_ADDRESS",
  "an IPv4 address of the host",
  "use 127.0.0.1 or 0.0.0.0",
);

/** An IPv4 address of the host. */
export const Address = z.string(ADDRESS_RULE).refine(isIpv4, ADDRESS_RULE);

/** A whole number between two bounds, with the code that its problems carry. */
export function count(min: number, max: number, code: Parameters<typeof says>[0], rule: string) {
  const said = says(code, rule, `use ${min}..${max}`);
  return z.int(said).min(min, said).max(max, said);
}

/** A path below the project, or absolute; of what, and the code that its problems carry. */
export function pathOf(what: string, code: Parameters<typeof says>[0], fix: string) {
  const said = says(code, `the path of ${what}`, fix);
  return z.string(said).min(1, said);
}

/** `renamedFrom` of a cluster or a tenant. */
export const RenamedFrom = z
  .string()
  .optional()
  .describe(
    "The key that it had at first, for ever: its data, its containers and its database keep that name. Nothing is copied or lost.",
  );

/** `caSecret` of a store that is there already. */
export const CaSecret = z
  .string()
  .optional()
  .describe(
    "Key in `redfleet:secrets`: PEM of the authority of its certificates, where it is no public one.",
  );

/** Plain environment variables; every rule about their names is a rule across fields. */
export const Environment = z.record(
  z.string(),
  z.union(
    [z.string(), z.number(), z.boolean()],
    says("REDFLEET_CFG_TYPE", "text, a number or a boolean", "put structures into JSON text"),
  ),
);

/** Variable name -> key in `redfleet:secrets`. */
export const SecretEnvironment = z.record(z.string(), z.string());
