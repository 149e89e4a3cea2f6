import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { capture, type Finished, ROOT, type Running, type RunOptions, start } from "./process.ts";
import { type PlatformConfig, platformConfig, succeeded, type TestStack } from "./stack.ts";

/** Copies this clone as git would check it out, with what is not committed yet; nothing that is ignored. */
export async function copyClone(target: string): Promise<void> {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"];
  const { stdout } = succeeded(await capture("git", list));
  for (const name of stdout.split("\0").filter(Boolean)) {
    mkdirSync(dirname(join(target, name)), { recursive: true });
    cpSync(join(ROOT, name), join(target, name), { verbatimSymlinks: true });
  }
}

/** Another clone on the same engine, with the dependencies of this one and a state of its own. */
export class Clone {
  readonly directory: string;
  readonly stack: TestStack;

  private constructor(directory: string, stack: TestStack) {
    this.directory = directory;
    this.stack = stack;
  }

  /** Makes a clone with the stack file of one small stack. */
  static async make(stack: TestStack): Promise<Clone> {
    const clone = new Clone(mkdtempSync("/var/tmp/redfleet-clone-"), stack);
    await copyClone(clone.directory);
    symlinkSync(join(ROOT, "node_modules"), clone.path("node_modules"));
    clone.declare(smallest(stack));
    return clone;
  }

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  /** Writes its stack file. */
  declare(platform: PlatformConfig): void {
    const text = stringify({ config: { "redfleet:platform": platform } });
    writeFileSync(this.path(`Pulumi.${this.stack.name}.yaml`), text);
  }

  /** Runs a `redfleet` command on its stack. */
  redfleet(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return this.start(args, options).finished;
  }

  /** Starts a `redfleet` command on its stack, in a process group of its own. */
  start(args: readonly string[], options: RunOptions = {}): Running {
    const command = [this.path("cli/bin/redfleet.mjs"), ...args, "--stack", this.stack.name];
    return start(process.execPath, command, { cwd: this.directory, ...options });
  }

  /** Runs plain Pulumi on its stack. */
  pulumi(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const command = [this.path("cli/bin/pulumi.mjs"), ...args, "--stack", this.stack.name];
    return capture(process.execPath, command, { cwd: this.directory, ...options });
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** One of everything: comes up fast. */
export function smallest(stack: TestStack): PlatformConfig {
  return platformConfig(stack, {
    mongodb: { members: 1 },
    valkey: { replicas: 0, sentinels: 0 },
    clusters: {},
    tenants: { solo: { template: "nodered-5" } },
  });
}
