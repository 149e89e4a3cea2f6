import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { PlatformInput } from "../../config/schema.ts";

/** The stack whose states are recorded: something of every kind that keeps data. */
export const RECORDED: { readonly stack: string; readonly platform: PlatformInput } = {
  stack: "recorded",
  platform: {
    domain: "recorded.localhost",
    dev: true,
    edge: { address: "127.0.0.1", https: 9643, http: 9280 },
    mongodb: { members: 3 },
    valkey: { replicas: 2, sentinels: 3 },
    clusters: { main: { apiReplicas: 1 }, flows: { apiReplicas: 1, flowStore: "valkey" } },
    tenants: { acme: { template: "nodered-5" }, globex: { template: "nodered-4" } },
  },
};

const FOLDER = join(import.meta.dirname, "recorded");

/** Where the state that a version of the program has made is kept. */
export const recordedFile = (commit: string): string => join(FOLDER, `${commit}.json`);

/** All recorded versions. */
export const recordedCommits = (): string[] =>
  readdirSync(FOLDER).map((name) => name.replace(/\.json$/, ""));

interface Recorded {
  outputs?: Record<string, unknown>;
  stackTrace?: unknown;
  sourcePosition?: unknown;
}

interface Checkpoint {
  checkpoint: { latest: { resources: Recorded[] } };
}

/**
 * One resource a line, without what says something of the machine and nothing compares: the output of jobs, and
 * where in the program a resource was made.
 */
export function sanitised(checkpoint: string): string {
  const state = JSON.parse(checkpoint) as Checkpoint;
  const { resources } = state.checkpoint.latest;
  const lines = resources.map(({ stackTrace: _, sourcePosition: __, ...resource }) => {
    delete resource.outputs?.containerLogs;
    return JSON.stringify(resource);
  });
  state.checkpoint.latest.resources = [];
  const [head, tail] = JSON.stringify(state).split('"resources":[]');
  return `${head}"resources":[\n${lines.join(",\n")}\n]${tail}\n`;
}
