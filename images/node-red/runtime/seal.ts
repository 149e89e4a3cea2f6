/** No flow runs before the platform's firewall stands around its container. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, reasonOf } from "./log.ts";
import type { Status } from "./status.ts";

/** What the agent leaves in a volume that is read-only here, once its firewall is in place. */
interface Seal {
  /** The start of the machine that it holds for: a firewall does not outlive it. */
  boot: string;
  /** Ids of the containers whose networks are in it. */
  containers: string[];
}

/** Who waits. */
export interface Sealed {
  boot: string;
  /** undefined: the engine did not say. */
  container: string | undefined;
}

const POLL_MS = 100;

/** This container on this start of the machine, as the kernel has it. */
export function readSelf(): Sealed {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  // The engine mounts the container's resolv.conf and others from a folder that is called by its id.
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  return { boot, container: /\/containers\/([0-9a-f]{64})\//.exec(mounts)?.[1] };
}

/** Why a container must not start its flows yet; `undefined` when it may. */
export function unsealed(text: string, self: Sealed): string | undefined {
  const { boot, containers } = JSON.parse(text) as Seal;
  if (boot !== self.boot) return "its firewall is from before the machine started";
  if (self.container === undefined) return "the engine does not tell this container's id";
  return containers.includes(self.container)
    ? undefined
    : "its firewall does not know this one yet";
}

/** Waits for the seal, as long as it takes, and says what for. Without a file there is nothing to wait for. */
export async function awaitSeal(
  file: string | undefined,
  status: Status,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  if (file === undefined) return;
  const self = readSelf();
  for (let said: string | undefined; ; ) {
    const reason = reasonNow(file, self);
    if (reason === undefined) break;
    if (reason !== said) {
      said = reason;
      status.update({ error: `waits for the agent to seal its network: ${reason}` });
      log.warn("waiting for the agent to seal the network", { reason });
    }
    await sleep(POLL_MS, undefined, { signal });
  }
  status.update({ error: undefined });
  log.info("the network is sealed");
}

function reasonNow(file: string, self: Sealed): string | undefined {
  try {
    return unsealed(readFileSync(file, "utf8"), self);
  } catch (error) {
    return `there is no seal (${reasonOf(error)})`;
  }
}
