import { join } from "node:path";
import type { Engine } from "../engine/client.ts";
import { CliError } from "../errors.ts";
import { ensureLocalState } from "../pulumi/local.ts";
import { LOCAL } from "../pulumi/places.ts";
import { ensureBases } from "./bases/index.ts";
import { ensureEngine } from "./engine.ts";
import { interruptible } from "./exec.ts";
import { locked } from "./lock.ts";
import { assertSpace } from "./space.ts";
import { ensurePulumi } from "./toolchain/pulumi.ts";

const LOCK = [join(LOCAL, "setup.lock"), "the set-up"] as const;

/**
 * Everything that a machine needs before the platform can come up: engine, base images, Pulumi with
 * its plugins, a place for the state. What is there already is only looked at.
 * @param check may refuse the engine before anything is put on it, and before the tools are fetched or built
 */
export async function setUp(check: (docker: Engine) => Promise<void>): Promise<Engine> {
  assertLinux();
  return locked(...LOCK, async () => {
    await ensureLocalState();
    const docker = await ensureEngine();
    await check(docker);
    await assertSpace(docker);
    await interruptible(() => settled([ensureBases(docker), ensurePulumi()]));
    return docker;
  });
}

/** Of all that, the Pulumi command line and its plugins: settings need no more. */
export async function setUpPulumi(): Promise<void> {
  await locked(...LOCK, () => interruptible(ensurePulumi));
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
