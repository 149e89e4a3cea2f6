import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { globals } from "../context.ts";
import type { Engine } from "../engine/client.ts";
import { readable } from "../engine/log-text.ts";
import { readLogs } from "../engine/logs.ts";
import { observePart } from "../engine/observe.ts";
import type { Part } from "../engine/part.ts";
import { selectParts } from "../engine/select.ts";
import { inspectPart, readStack } from "../engine/view.ts";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { printJson } from "../output.ts";
import { ownEngine } from "../pulumi/owner.ts";

/** Longest wait for a restarted container to be ready again, in seconds. */
const READY_WITHIN = 120;

/** `redfleet restart`: one container at a time, the next one when the last is ready again. */
export function registerRestart(program: Command): void {
  program
    .command("restart")
    .description("restart a cluster, tenant, component or container, one at a time")
    .argument("<name>", "for example main, acme, replica, mongodb-1")
    .action(async (name: string, _options: unknown, command: Command) => {
      const { stack, json } = globals(command);
      const docker = await ownEngine(stack);
      const parts = selectParts(await readStack(docker, stack), name);
      const done: { name: string; seconds: number }[] = [];
      for (const part of parts) {
        const seconds = await restartPart(docker, part);
        done.push({ name: part.name, seconds });
        if (!json) console.log(`${part.name} is ready again after ${seconds.toFixed(1)} s`);
      }
      if (json) printJson({ restarted: done });
    });
}

async function restartPart(docker: Engine, part: Part): Promise<number> {
  const start = performance.now();
  await docker.getContainer(part.id).restart({ t: part.stopTimeout });
  await waitUntilReady(docker, part);
  return Math.round((performance.now() - start) / 100) / 10;
}

async function waitUntilReady(docker: Engine, part: Part): Promise<void> {
  const deadline = Date.now() + READY_WITHIN * 1000;
  let reason = "";
  while (Date.now() < deadline) {
    const [current] = await inspectPart(docker, part.id);
    if (!current) throw new CliError({ what: `${part.name} was removed meanwhile` });
    const observed = observePart(current);
    if (observed.state === "running") return;
    reason = observed.reason;
    await sleep(250);
  }
  const lines = await readLogs(docker, part.id, 10).catch(() => []);
  throw new CliError({
    what: `${part.name} is not ready ${READY_WITHIN} s after its restart`,
    why: [reason, ...lines.map((line) => readable(line.text))].join("\n"),
    fix: `${redfleet(`logs ${part.name}`)}; the others were not restarted`,
  });
}
