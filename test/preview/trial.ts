import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import type { Preview } from "../../cli/preview/summary.ts";
import { pulumiBinary } from "../../cli/pulumi/environment.ts";
import type { PlatformInput } from "../../config/schema.ts";
import { sweep } from "../support/engine.ts";

/** What a Pulumi command printed, and how long it took. */
export interface Ran {
  readonly output: string;
  readonly seconds: number;
}

/** One step of a preview, as `operation name`. */
export type Steps = readonly string[];

/**
 * A stack with a state of its own, outside the clone, on the real engine. Pulumi is run as people run it;
 * only its state and the stack file are elsewhere.
 */
export class Trial {
  readonly stack: string;
  readonly #program: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "redfleet-preview-"));

  /** @param program folder with the program; the platform's own by default */
  constructor(stack: string, program = process.cwd()) {
    this.stack = stack;
    this.#program = program;
  }

  /** Makes the stack. `stack init` writes into the project it finds, so it gets one of its own. */
  async create(platform: PlatformInput): Promise<void> {
    const project = join(this.#folder, "project");
    mkdirSync(join(this.#folder, "state"), { recursive: true });
    mkdirSync(project);
    copyFileSync(join(this.#program, "Pulumi.yaml"), join(project, "Pulumi.yaml"));
    await this.#pulumi(["stack", "init", this.stack], project);
    this.declare(platform);
  }

  /** Writes the stack file. */
  declare(platform: PlatformInput): void {
    writeFileSync(this.#file(), stringify({ config: { "redfleet:platform": platform } }));
  }

  /** The checkpoint as Pulumi keeps it. Its secrets are encrypted with the passphrase of all trials. */
  checkpoint(): string {
    return readFileSync(this.#checkpoint(), "utf8");
  }

  /** Goes on from a checkpoint of the same stack. */
  restore(checkpoint: string): void {
    writeFileSync(this.#checkpoint(), checkpoint);
  }

  async up(): Promise<Ran> {
    return this.#pulumi(["up", "--yes", "--skip-preview"]);
  }

  /** Reads everything back from the engine; fails when anything differs from the state. */
  async refresh(): Promise<Ran> {
    return this.#pulumi(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
  }

  /** What an `up` would do. */
  async preview(): Promise<Preview> {
    return JSON.parse((await this.#pulumi(["preview", "--json"])).output) as Preview;
  }

  /** The same as people read it. */
  async previewText(): Promise<string> {
    return (await this.#pulumi(["preview"])).output;
  }

  /** Takes everything off the engine, protected volumes too. */
  async remove(): Promise<void> {
    await this.#pulumi(["state", "unprotect", "--all", "--yes"]).catch(() => undefined);
    await this.#pulumi(["destroy", "--yes", "--skip-preview"]).catch(() => undefined);
    await sweep((labels) => labels?.["redfleet.stack"] === this.stack);
    rmSync(this.#folder, { recursive: true });
  }

  /** Forgets a stack that has nothing on the engine. */
  forget(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #checkpoint(): string {
    return join(this.#folder, "state/.pulumi/stacks/redfleet", `${this.stack}.json`);
  }

  #file(): string {
    return join(this.#folder, `Pulumi.${this.stack}.yaml`);
  }

  #pulumi(args: readonly string[], cwd = this.#program): Promise<Ran> {
    const started = performance.now();
    const binary = pulumiBinary();
    const env = {
      ...process.env,
      PATH: [dirname(process.execPath), dirname(binary), process.env.PATH].join(":"),
      PULUMI_BACKEND_URL: `file://${join(this.#folder, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "preview",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      ...(cwd === this.#program ? { PULUMI_OPTION_CONFIG_FILE: this.#file() } : {}),
    };
    const named = args[1] === "init" ? args : [...args, "--stack", this.stack];
    return new Promise((resolve, reject) => {
      const options = { cwd, env, maxBuffer: 64 * 1024 * 1024 };
      execFile(binary, [...named, "--non-interactive"], options, (error, stdout, stderr) => {
        const seconds = (performance.now() - started) / 1000;
        if (error === null) resolve({ output: stdout, seconds });
        else reject(new Error(`pulumi ${args.join(" ")}\n${stdout.slice(-8000)}\n${stderr}`));
      });
    });
  }
}

/** Everything that a preview would do, but for what stays the same. */
export function stepsOf(preview: Preview): Steps {
  return (preview.steps ?? [])
    .filter(({ op }) => op !== "same" && op !== "read")
    .map(({ op, urn }) => `${op} ${urn.split("::").at(-1)}`)
    .sort();
}
