import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "./errors.ts";
import { own } from "./own.ts";
import { parsePlatform } from "./parse.ts";
import type { PlatformConfig } from "./schema.ts";
import { agentSocket } from "./socket.ts";

/** What the program starts from. */
export interface StackConfig {
  readonly stack: string;
  readonly platform: PlatformConfig;
  /** The engine's socket on this machine. */
  readonly socket: string;
  /** The value of a key in `redfleet:secrets`, secret in state. */
  readonly secret: (name: string) => pulumi.Output<string>;
}

/**
 * The only reader of `pulumi.Config`.
 * @throws pulumi.RunError with every problem at once; Pulumi prints its message without a stack trace.
 */
export function loadStackConfig(): StackConfig {
  const config = new pulumi.Config("redfleet");
  const stack = pulumi.getStack();
  // Read without secretness for the names alone: which secrets exist decides what is valid.
  const secretNames = Object.keys(config.getObject<Record<string, string>>("secrets") ?? {});
  const { problems, config: platform } = parsePlatform(config.getObject("platform"), {
    stack,
    secretNames,
  });
  if (problems.length > 0)
    throw new pulumi.RunError(new ConfigError(problems, source(stack)).message);
  return { stack, platform, socket: socketOf(platform), secret: secretReader(config) };
}

function socketOf({ target }: PlatformConfig): string {
  try {
    return agentSocket(target.socket, process.env.DOCKER_HOST);
  } catch (error) {
    throw error instanceof ConfigError ? new pulumi.RunError(error.message) : error;
  }
}

function source(stack: string): string {
  return `Pulumi.${stack}.yaml, redfleet:platform`;
}

const NONE = pulumi.secret<Record<string, string>>({});

/** Plain values may be used in a plan, secrets only as outputs: one key apart, read only here. */
function secretReader(config: pulumi.Config): StackConfig["secret"] {
  const all = config.getSecretObject<Record<string, string>>("secrets") ?? NONE;
  return (name) => all.apply((secrets) => own(secrets, name) ?? "");
}
