import { existsSync, readFileSync } from "node:fs";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { checkpointFile } from "./places.ts";

/** A resource as the checkpoint has it; only what is used here. */
export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  protect?: boolean;
  retainOnDelete?: boolean;
}

/** What is used of a stack's checkpoint. */
export interface State {
  resources: StateResource[];
  /** Operations that were under way when a run was cut off. */
  pending: { type: string; resource: StateResource }[];
  /** Salt of the passphrase that the secrets are encrypted with. */
  salt: string | undefined;
  /** When an operation last wrote it, by this machine's clock, in ms since 1970; a copy says the same. */
  written?: number;
}

interface Checkpoint {
  checkpoint?: {
    latest?: {
      manifest?: { time?: string };
      resources?: StateResource[];
      pending_operations?: State["pending"];
      secrets_providers?: { state?: { salt?: string } };
    };
  };
}

/** The state of a stack that has none, or none that can be read. */
export const EMPTY: State = { resources: [], pending: [], salt: undefined };

/** True once the stack has been initialised. */
export const hasState = (stack: string): boolean => existsSync(checkpointFile(stack));

/**
 * Reads a stack's checkpoint without starting Pulumi; empty if there is none yet.
 * @throws CliError when the file was cut off
 */
export function readState(stack: string): State {
  if (!hasState(stack)) return EMPTY;
  const file = checkpointFile(stack);
  try {
    return parseState(readFileSync(file, "utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CliError({
      what: `the state of the stack "${stack}" cannot be read`,
      why: `${file} was cut off: ${error.message}`,
      fix: `${redfleet("up", stack)} puts it aside and goes on from the newest backup`,
    });
  }
}

/** @param text content of a checkpoint file */
export function parseState(text: string): State {
  const latest = (JSON.parse(text) as Checkpoint).checkpoint?.latest;
  const written = Date.parse(latest?.manifest?.time ?? "");
  return {
    resources: latest?.resources ?? [],
    pending: latest?.pending_operations ?? [],
    salt: latest?.secrets_providers?.state?.salt,
    ...(!Number.isNaN(written) && { written }),
  };
}

/** Ids of a state's objects of some kinds of the engine's provider: `Container`, `Network`. */
export function idsOf({ resources }: State, kinds: readonly string[]): ReadonlySet<string> {
  const own = resources.filter(({ type }) => kinds.some((kind) => type.endsWith(`:${kind}`)));
  return new Set(own.flatMap(({ id }) => id || []));
}

/** The stack's outputs that are no secrets. */
export interface StackOutputs {
  domain: string;
  httpsPort: number;
  clusters: Record<string, { url: string; apiUrl: string }>;
  tenants: Record<string, { url: string; aliases: string[]; state: string }>;
}

/** Reads the outputs of the last `up`. */
export function readOutputs(stack: string): StackOutputs {
  const root = readState(stack).resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  return root?.outputs as unknown as StackOutputs;
}
