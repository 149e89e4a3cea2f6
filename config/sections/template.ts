import { z } from "zod";
import { moduleKeys } from "./modules.ts";
import { Cpus, count, Memory, memoryFrom, NODE_RED_MEMORY, pathOf } from "./values.ts";

const IMAGE_FIX = "name the folder, or take the key out for the platform's own image";

/** What a tenant gets, and how far it may go from that. */
export const Template = z.strictObject({
  nodeRed: z.union([z.literal(5), z.literal(4)]).describe("Node-RED's major version."),
  image: pathOf("a folder with a Dockerfile", "REDFLEET_CFG_IMAGE", IMAGE_FIX)
    .optional()
    .describe(
      "Folder with a Dockerfile that begins with `ARG BASE` and whose last stage is `FROM $BASE`: the platform's image of that Node-RED, with what tenants need beside it. The engine's classic builder makes it: no heredocs, no `RUN --mount`, no `COPY --chmod`. Built anew with each version of the platform. Default: the platform's image itself.",
    ),
  memory: z
    .strictObject({
      default: Memory.prefault("256 MB").describe("Limit of a tenant that names none."),
      min: memoryFrom(NODE_RED_MEMORY)
        .prefault("128 MB")
        .describe("Smallest limit a tenant may ask for."),
      max: Memory.prefault("1 GB").describe("Largest limit a tenant may ask for."),
    })
    .prefault({})
    .describe("Memory of a tenant."),
  cpus: z
    .strictObject({
      default: Cpus.prefault(0.5).describe("CPUs of a tenant that names none."),
      min: Cpus.prefault(0.1).describe("Smallest share a tenant may ask for."),
      max: Cpus.prefault(2).describe("Largest share a tenant may ask for."),
    })
    .prefault({})
    .describe("CPUs of a tenant."),
  pids: count(32, 4096, "REDFLEET_CFG_VALUE", "32..4096 processes and threads")
    .default(128)
    .describe("Processes and threads that a tenant may have."),
  env: z.record(z.string(), z.string()).default({}).describe("Environment of every tenant of it."),
  ...moduleKeys([]),
});

export type TemplateConfig = z.infer<typeof Template>;

/** Templates that every stack has; a stack may add its own, or replace one by the same key. */
export const SHIPPED_TEMPLATES = {
  "nodered-4": { nodeRed: 4 },
  "nodered-5": { nodeRed: 5 },
} as const satisfies Record<string, z.input<typeof Template>>;
