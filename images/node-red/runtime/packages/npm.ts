/**
 * npm as a child of the runtime: the one that Node-RED brings along, with a configuration of its own,
 * without the packages' scripts, and the first to go when the container's memory does not suffice.
 */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Logger } from "../log.ts";
import type { PackageSet } from "./set.ts";

/** Where packages come from. */
export interface RegistryAccess {
  /** undefined: npm's default. */
  readonly url: string | undefined;
  /** File with the certificate authority of the registry, in PEM. */
  readonly caFile: string | undefined;
  readonly token: string | undefined;
}

export interface NpmOptions extends RegistryAccess {
  /** Folder for npm's cache; survives restarts. */
  readonly cache: string;
  /** Run the scripts of packages: compilers of native code, and whatever else they bring. */
  readonly scripts: boolean;
  readonly log: Logger;
}

/** npm did not do what it was asked to; the message is for people. */
export class NpmError extends Error {}

/** Longest time for one call of npm. */
const LIMIT_MS = 5 * 60_000;
/** Kept of what npm says. */
const OUTPUT_LENGTH = 20_000;
/** No audit, no funding: both ask the registry, and nobody reads the answer. */
const QUIET = ["--no-audit", "--no-fund", "--no-update-notifier", "--no-progress"];

function configuration({ url, caFile, token, cache, scripts }: NpmOptions): string {
  const lines = [
    `cache=${cache}`,
    `ignore-scripts=${!scripts}`,
    "logs-max=0",
    "update-notifier=false",
    "fetch-retries=2",
    "fetch-retry-mintimeout=1000",
    "fetch-retry-maxtimeout=5000",
    "fetch-timeout=60000",
    "maxsockets=4",
  ];
  if (url) lines.push(`registry=${url}`);
  if (caFile) lines.push(`cafile=${caFile}`);
  if (url && token)
    lines.push(`//${new URL(url).host}${new URL(url).pathname}:_authToken=${token}`);
  return `${lines.join("\n")}\n`;
}

/** What npm is asked for. */
export interface NpmCalls {
  /** Runs npm in a folder. @throws {@link NpmError} with the reason. */
  run(args: readonly string[], cwd: string): Promise<void>;
  /** Makes a folder hold a package set, exactly as its lock has it. @throws {@link NpmError} with the reason. */
  installSet(set: PackageSet, folder: string): Promise<void>;
}

/** A configured npm. One call at a time; the next one waits. */
export class Npm implements NpmCalls {
  private readonly log: Logger;
  private readonly cli: string;
  private last: Promise<unknown> = Promise.resolve();
  /** Calls that wait for nothing. */
  private readonly calls: NpmCalls = {
    run: (args, cwd) => this.call([...QUIET, ...args], cwd),
    installSet: ({ manifest, lock }, folder) => {
      writeFileSync(join(folder, "package.json"), manifest);
      writeFileSync(join(folder, "package-lock.json"), lock);
      return this.calls.run(["ci", "--omit=dev", "--prefer-offline"], folder);
    },
  };

  /** Writes the configuration, and points every npm below this process to it. */
  constructor(options: NpmOptions) {
    this.log = options.log;
    const manifest = createRequire(import.meta.url).resolve("npm/package.json");
    this.cli = join(dirname(manifest), "bin", "npm-cli.js");
    mkdirSync(options.cache, { recursive: true });
    const file = join(tmpdir(), `redfleet-npmrc-${process.pid}`);
    writeFileSync(file, configuration(options), { mode: 0o600 });
    process.env.NPM_CONFIG_USERCONFIG = file;
  }

  run(args: readonly string[], cwd: string): Promise<void> {
    return this.exclusively((npm) => npm.run(args, cwd));
  }

  installSet(set: PackageSet, folder: string): Promise<void> {
    return this.exclusively((npm) => npm.installSet(set, folder));
  }

  /** Does what must not meet another call of npm at work in the same folder; `work` gets an npm of its own for it. */
  exclusively<Result>(work: (npm: NpmCalls) => Promise<Result>): Promise<Result> {
    const next = this.last.then(() => work(this.calls));
    this.last = next.catch(() => undefined);
    return next;
  }

  private async call(args: readonly string[], cwd: string): Promise<void> {
    const begin = performance.now();
    const { code, signal, output } = await this.spawn(args, cwd);
    const ms = Math.round(performance.now() - begin);
    this.log.debug("npm ended", { args, code, signal, ms });
    if (code === 0) return;
    this.log.warn("npm failed", { args, code, signal, ms, output: output.slice(-2000) });
    throw new NpmError(explain(code, signal, output));
  }

  private spawn(args: readonly string[], cwd: string) {
    type End = { code: number | null; signal: string | null; output: string };
    return new Promise<End>((resolve) => {
      let output = "";
      const keep = (chunk: Buffer) => {
        output = (output + chunk).slice(-OUTPUT_LENGTH);
      };
      const child = spawn(process.execPath, ["--max-semi-space-size=1", this.cli, ...args], {
        ...{ cwd, timeout: LIMIT_MS, killSignal: "SIGTERM", stdio: ["ignore", "pipe", "pipe"] },
      });
      giveWay(child.pid);
      child.stdout.on("data", keep);
      child.stderr.on("data", keep);
      child.once("error", (error) => resolve({ code: null, signal: null, output: error.message }));
      child.once("close", (code, signal) => resolve({ code, signal, output }));
    });
  }
}

/** The kernel ends npm before it ends Node-RED, which would otherwise be the larger of the two. */
function giveWay(pid: number | undefined): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, "1000");
  } catch {
    // No Linux, or gone already.
  }
}

/** How OpenSSL calls it, by npm's word for word: a registry of one's own, or a proxy that opens TLS. */
const UNKNOWN_AUTHORITY =
  /\b(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE)\b/;

/** What happened, in one line. npm marks its reasons with `npm error`. */
function explain(code: number | null, signal: string | null, output: string): string {
  if (signal === "SIGKILL") {
    return "npm was ended by the kernel: the container's memory does not suffice for it, raise its limit";
  }
  if (signal === "SIGTERM") return `npm did not end within ${LIMIT_MS / 60_000} minutes`;
  const lines = output
    .split("\n")
    .filter((line) => /^npm (error|ERR!)/.test(line))
    .map((line) => line.replace(/^npm (error|ERR!) ?/, "").trim())
    .filter((line) => line !== "" && !/^A complete log|^Log files|_logs/.test(line));
  if (UNKNOWN_AUTHORITY.test(output)) {
    return `the registry's certificate is of an authority that is not known here: name its file as registry.ca in the stack file (${lines[0]})`;
  }
  if (lines.length === 0) return output.trim().split("\n").at(-1) || `npm ended with ${code}`;
  return lines.slice(0, 3).join("; ").slice(0, 400);
}
