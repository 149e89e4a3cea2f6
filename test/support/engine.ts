import Docker from "dockerode";
import { isTestName } from "./names.ts";

/** The engine that the tests talk to: `DOCKER_HOST`, or the default socket. */
export const engine = new Docker();

const isTestObject = (labels: Readonly<Record<string, string>> | null | undefined) =>
  isTestName(labels?.["redfleet.stack"] ?? "");

/**
 * Removes every container, network and volume of the stacks that this clone's tests made.
 * @returns the names of what was removed.
 */
export async function sweep(matches = isTestObject): Promise<string[]> {
  const swept: string[] = [];
  const labelled = { filters: { label: ["redfleet.stack"] } };
  const containers = await engine.listContainers({ all: true, ...labelled });
  for (const entry of containers.filter((found) => matches(found.Labels))) {
    await gone(engine.getContainer(entry.Id).remove({ force: true, v: true }));
    swept.push(entry.Names[0]?.slice(1) ?? entry.Id);
  }
  const networks = await engine.listNetworks(labelled);
  for (const entry of networks.filter((found) => matches(found.Labels))) {
    await removeNetwork(entry.Id);
    swept.push(entry.Name);
  }
  const { Volumes: volumes } = await engine.listVolumes(labelled);
  for (const entry of (volumes ?? []).filter((found) => matches(found.Labels))) {
    await gone(engine.getVolume(entry.Name).remove({ force: true }));
    swept.push(entry.Name);
  }
  return swept;
}

/** Removes a network together with the endpoints that others still hold in it. */
async function removeNetwork(id: string): Promise<void> {
  const network = engine.getNetwork(id);
  const { Containers: members } = await network.inspect();
  for (const member of Object.keys(members ?? {})) {
    await gone(network.disconnect({ Container: member, Force: true }));
  }
  await gone(network.remove());
}

/** Awaits a removal; that the object is gone already is as good. */
async function gone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    const status = (error as { statusCode?: number }).statusCode;
    if (status !== 404 && status !== 409) throw error;
  }
}
