import type Docker from "dockerode";
import { exec } from "../../cli/engine/exec.ts";
import { engine } from "./engine.ts";
import { until } from "./wait.ts";

/** A container of a stack as the engine sees it now. */
export type Inspected = Docker.ContainerInspectInfo;

/** All containers of a stack, stopped ones too, optionally of one component. */
export async function containersOf(
  stack: string,
  component?: string,
  docker = engine,
): Promise<Inspected[]> {
  const label = [`redfleet.stack=${stack}`];
  if (component !== undefined) label.push(`redfleet.component=${component}`);
  const listed = await docker.listContainers({ all: true, filters: { label } });
  const found = await Promise.all(listed.map((entry) => docker.getContainer(entry.Id).inspect()));
  return found.sort((a, b) => a.Name.localeCompare(b.Name));
}

/** Pauses a container. On a busy machine the kernel may not freeze it in time; then it is asked again. */
export async function freeze(container: Docker.Container): Promise<void> {
  await until("the container is paused", () => container.pause().then(() => true));
}

/** Running containers of a stack. */
export async function runningOf(
  stack: string,
  component?: string,
  docker = engine,
): Promise<Inspected[]> {
  const all = await containersOf(stack, component, docker);
  return all.filter((container) => container.State.Running);
}

/** Name → id and start time of what runs: equal maps mean that nothing was touched. */
export async function identities(
  stack: string,
  components: readonly string[],
  docker = engine,
): Promise<Record<string, string>> {
  const running = await runningOf(stack, undefined, docker);
  const wanted = running.filter((entry) =>
    components.includes(entry.Config.Labels["redfleet.component"] ?? ""),
  );
  return Object.fromEntries(
    wanted.map((entry) => [entry.Name.slice(1), `${entry.Id} ${entry.State.StartedAt}`]),
  );
}

/** Address of a container in one of its networks, the first whose name ends like that. */
export function addressOf(container: Inspected, networkSuffix: string): string {
  const networks = Object.entries(container.NetworkSettings.Networks);
  const found = networks.find(([name]) => name.endsWith(networkSuffix))?.[1].IPAddress;
  if (!found) throw new Error(`${container.Name} has no address in a network *${networkSuffix}`);
  return found;
}

/** Runs JavaScript with the Node of a container and parses what it prints. */
export async function evaluate<T>(container: string, script: string, seconds = 60): Promise<T> {
  const command = ["node", "--input-type=module", "-e", script];
  const result = await exec(engine, container, command, seconds * 1000);
  if (result.code !== 0) throw new Error(`in ${container}: ${result.stderr || result.stdout}`);
  return JSON.parse(result.stdout);
}
