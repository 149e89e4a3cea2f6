import { readdirSync, readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { OFFICIAL_BASES } from "../../../components/images/bases.ts";
import { Platform } from "../../../components/platform.ts";
import { DockerTarget } from "../../../components/target/docker/target.ts";
import { MemoryTarget, type Realised } from "../../../components/target/memory.ts";
import type { Target } from "../../../components/target/types.ts";
import type { Pace } from "../../../config/pace.ts";
import { parsePlatform } from "../../../config/parse.ts";
import type { PlatformInput } from "../../../config/schema.ts";
import { SECRETS as SECRETS_OF_EVERY_KEY } from "../../support/every-key.ts";
import { type Registered, recordGraph } from "./recorder.ts";

/** The example stacks: what the documentation shows is what is tested. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  dev: "Pulumi.dev.yaml",
  ...Object.fromEntries(
    readdirSync("config/stacks").map((file) => [
      file.replace(".yaml", ""),
      `config/stacks/${file}`,
    ]),
  ),
};

/** The platform of an example, as it is written. */
export function example(name: string): PlatformInput {
  const text = readFileSync(EXAMPLES[name] ?? name, "utf8");
  return parse(text).config["redfleet:platform"] as PlatformInput;
}

/** Every resource that a platform registers on Docker. */
export function dockerGraph(
  platform: PlatformInput,
  stack = "dev",
  pace?: Pace,
): Promise<Registered[]> {
  const target = new DockerTarget({ path: "/var/run/docker.sock" });
  return recordGraph(stack, () => build(platform, stack, target, pace));
}

/** Everything that a platform asks of a target. */
export async function memoryCalls(platform: PlatformInput, stack = "dev"): Promise<Realised[]> {
  const target = new MemoryTarget();
  await recordGraph(stack, () => build(platform, stack, target));
  return target.realised;
}

/** Values of what the examples name: connection strings that can be read, and texts that can be found again. */
const SECRETS: Readonly<Record<string, string>> = {
  erp: "value-of-erp",
  "acme-api": "value-of-acme-api",
  "mongodb-admin": "mongodb://user:value-of-mongodb-admin@db.example.org/",
  "mongodb-ca": "value-of-mongodb-ca",
  "acme-mongodb": "mongodb://user:value-of-acme-mongodb@db.example.org/",
  valkey: "rediss-sentinel://user:value-of-valkey@valkey.example.org/0#redfleet",
  "reports-valkey": "rediss://user:value-of-reports-valkey@valkey.example.org/1",
  "valkey-ca": "value-of-valkey-ca",
  npm: "value-of-npm",
  ...SECRETS_OF_EVERY_KEY,
};

function build(platform: PlatformInput, stack: string, target: Target, pace?: Pace): void {
  const { config, problems } = parsePlatform(platform, {
    stack,
    secretNames: Object.keys(SECRETS),
  });
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const secret = (name: string) => pulumi.secret(SECRETS[name] ?? "");
  new Platform(stack, { target, config, secret, bases: OFFICIAL_BASES, pace });
}
