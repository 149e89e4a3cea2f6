import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Base images that the Dockerfiles start from. */
export interface BaseImages {
  readonly debian: string;
  readonly node: string;
  readonly nodeBuild: string;
  readonly valkey: string;
  readonly haproxy: string;
  readonly mongodb: string;
}

/** The official images; what a machine with a registry uses. */
export const OFFICIAL_BASES: BaseImages = {
  debian: "debian:trixie-slim",
  node: "node:24-trixie-slim",
  nodeBuild: "node:24-trixie-slim",
  valkey: "valkey/valkey:8.1",
  haproxy: "haproxy:3.0",
  mongodb: "mongo:6.0",
};

/** What set-up found or made (`.redfleet/bases.json`); the official images where there was no set-up. */
export function readBases(root = "."): BaseImages {
  const file = join(root, ".redfleet", "bases.json");
  try {
    const found = JSON.parse(readFileSync(file, "utf8")) as Partial<BaseImages>;
    return { ...OFFICIAL_BASES, ...found };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return OFFICIAL_BASES;
    throw new Error(`${file} is not readable JSON: run the set-up again (npm run up)`, {
      cause: error,
    });
  }
}
