import { join } from "node:path";
import type { Engine } from "../engine/client.ts";
import { CliError } from "../errors.ts";
import { ensureLocalState } from "../pulumi/local.ts";
import { LOCAL } from "../pulumi/places.ts";
import { ensureBases } from "./bases/index.ts";
import { ensureEngine } from "./engine.ts";
import { interruptible } from "./exec.ts";
import { acquire } from "./lock.ts";
import { assertSpace } from "./space.ts";
import { ensurePulumi } from "./toolchain/pulumi.ts";

/**
 * Everything that a machine needs before the platform can come up: engine, base images, Pulumi with
 * its plugins, a place for the state. What is there already is only looked at.
 */
export async function setUp(): Promise<Engine> {
  assertLinux();
  const lock = await acquire(join(LOCAL, "setup.lock"), "the set-up");
  try {
    await ensureLocalState();
    const docker = await ensureEngine();
    await assertSpace(docker);
    await interruptible(() => settled([ensureBases(docker), ensurePulumi()]));
    return docker;
  } finally {
    await lock.release();
  }
}

/** Waits for all, then fails with the first error: nothing goes on behind the reader's back. */
async function settled(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

function assertLinux(): void {
  if (process.platform === "linux") return;
  throw new CliError({
    what: `this system (${process.platform}) is not supported`,
    why: "containers, their networks and firewall need Linux",
    fix: "run it in a Linux virtual machine, or in WSL",
  });
}
