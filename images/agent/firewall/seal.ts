import { readFileSync } from "node:fs";
import { writeIfChanged } from "../files.ts";
import { log } from "../log.ts";
import type { Observed } from "../model.ts";

/** What runtimes wait for before they load a flow: a volume of the agent's that they see read-only. */
const file = "/seal/sealed.json";

/** Changes with every start of the machine; the same in every container. */
const bootId = () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

/**
 * Containers whose networks the table of this moment knows, running or not. One whose network came after
 * the table was made is left out until the next round; networks of somebody else's do not count.
 */
export function sealedContainers({ containers, networks }: Observed, stack: string): string[] {
  const known = new Set(networks.map((network) => network.name));
  const sealed = containers.filter((container) => {
    const own = [...container.networks.keys()].filter((name) => name.startsWith(`${stack}-`));
    return own.length > 0 && own.every((name) => known.has(name));
  });
  return sealed.map((container) => container.id).sort();
}

/** Says, once the table is in place, around whom. An entry is good until the machine starts again. */
export function writeSeal(observed: Observed, stack: string): void {
  const containers = sealedContainers(observed, stack);
  const text = `${JSON.stringify({ boot: bootId(), containers })}\n`;
  if (writeIfChanged(file, text, 0o644)) log("info", "sealed", { containers: containers.length });
}
