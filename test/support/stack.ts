import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { testName } from "./names.ts";
import { capture, type Finished, ROOT, type RunOptions, start } from "./process.ts";

/** A stack that tests bring up beside whatever else runs on the engine. */
export interface TestStack {
  readonly name: string;
  readonly domain: string;
  readonly https: number;
  readonly http: number;
  /** Where tests reach its edge. Default: the loopback. */
  readonly address?: string;
}

/** A stack's platform configuration as plain data. */
// biome-ignore lint/suspicious/noExplicitAny: a stack file under edit is free-form on purpose
export type PlatformConfig = Record<string, any>;

/** The main end-to-end stack. */
export const E2E: TestStack = {
  name: testName("e2e"),
  domain: "e2e.localhost",
  https: 9443,
  http: 9080,
};

const CONFIG_KEY = "redfleet:platform";
const CLI = join(ROOT, "cli/bin/redfleet.mjs");
const PULUMI = join(ROOT, "cli/bin/pulumi.mjs");

/** Path of a test stack's file; `Pulumi.test-*.yaml` is git-ignored, so the clone stays clean. */
export const stackFile = (stack: TestStack): string => join(ROOT, `Pulumi.${stack.name}.yaml`);

/** The dev stack's shape with its own ports and domain. */
export function platformConfig(stack: TestStack, more: PlatformConfig = {}): PlatformConfig {
  return {
    domain: stack.domain,
    dev: true,
    target: { kind: "docker" },
    edge: { address: "127.0.0.1", https: stack.https, http: stack.http },
    mongodb: { members: 3 },
    valkey: { replicas: 2, sentinels: 3 },
    clusters: { main: { apiReplicas: 3 } },
    tenants: { acme: { template: "nodered-5" }, globex: { template: "nodered-4" } },
    ...more,
  };
}

/** Writes a stack file. */
export function writeStack(stack: TestStack, platform: PlatformConfig): void {
  writeFileSync(stackFile(stack), stringify({ config: { [CONFIG_KEY]: platform } }));
}

/** Edits a stack file in place, as a person would with an editor. */
export function editStack(stack: TestStack, edit: (platform: PlatformConfig) => void): void {
  const document = parse(readFileSync(stackFile(stack), "utf8"));
  edit(document.config[CONFIG_KEY]);
  writeFileSync(stackFile(stack), stringify(document));
}

/** Runs a `redfleet` command on a stack. */
export function redfleet(
  stack: TestStack,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  return capture(process.execPath, [CLI, ...args, "--stack", stack.name], options);
}

/** Runs plain Pulumi on a stack. */
export function pulumi(
  stack: TestStack,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  return capture(process.execPath, [PULUMI, ...args, "--stack", stack.name], options);
}

/** `redfleet up`; resolves when it is up. @throws with all its output when it failed. */
export async function up(stack: TestStack): Promise<Finished> {
  return succeeded(await redfleet(stack, ["up"], { seconds: 900 }));
}

/** Starts `redfleet up` and returns while it works, to be killed half-way. */
export function startUp(stack: TestStack) {
  const args = [CLI, "up", "--stack", stack.name];
  return start(process.execPath, args, { seconds: 900 });
}

/** Passes a finished command on. @throws with its output when it failed. */
export function succeeded(finished: Finished): Finished {
  if (finished.code === 0) return finished;
  throw new Error(`exit code ${finished.code} after ${finished.seconds} s:\n${finished.output}`);
}

/** Takes a stack away with its data and its file. */
export async function destroy(stack: TestStack): Promise<void> {
  if (!existsSync(stackFile(stack))) return;
  succeeded(await redfleet(stack, ["down", "--delete-data", "--yes"], { seconds: 300 }));
  rmSync(stackFile(stack), { force: true });
}

/** What `redfleet status --json` says (the part that tests read). */
export interface Status {
  readonly stack: string;
  readonly domain: string;
  readonly https: number;
  readonly caFile: string;
  readonly clusters: Readonly<
    Record<
      string,
      {
        readonly url: string;
        readonly apiUrl: string;
        readonly state: string;
        readonly revision: number | null;
        readonly replicas: readonly {
          readonly name: string;
          readonly state: string;
          readonly revision: number | null;
        }[];
      }
    >
  >;
  readonly tenants: Readonly<
    Record<string, { readonly url: string; readonly aliases: string[]; readonly state: string }>
  >;
}

/** Reads a stack's status. */
export async function status(stack: TestStack): Promise<Status> {
  return JSON.parse(succeeded(await redfleet(stack, ["status", "--json"])).stdout);
}

/** The first password of a cluster or tenant. */
export async function password(stack: TestStack, name: string): Promise<string> {
  return succeeded(await redfleet(stack, ["password", name])).stdout.trim();
}
