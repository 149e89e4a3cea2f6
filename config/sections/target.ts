import { z } from "zod";
import { isDataSubnet } from "../network.ts";
import { says } from "../problems.ts";
import { Memory } from "./values.ts";

const SUBNET_RULE = says(
  "REDFLEET_CFG_SUBNET",
  "a private IPv4 /24 such as 10.80.1.0/24",
  "choose one that nothing on the host uses",
);

/** The engine on this machine. `kind` never changes for a stack: the types of all resources hang on it. */
export const DockerTarget = z.strictObject({
  kind: z.literal("docker").describe("Docker on one machine"),
  subnet: z
    .string()
    .refine(isDataSubnet, SUBNET_RULE)
    .optional()
    .describe(
      "Data network, a private /24. Default: computed from the stack name. A change replaces every store's container.",
    ),
  socket: z
    .string()
    .regex(
      /^\/[\w./-]+\.sock$/,
      says("REDFLEET_CFG_VALUE", "the path of a socket", "use /var/run/docker.sock"),
    )
    .optional()
    .describe(
      "The engine's socket on the host. Only the agent gets it. Default: the one that DOCKER_HOST names, else /var/run/docker.sock.",
    ),
  memory: Memory.optional().describe(
    "Memory that the platform may use in sum. With it, limits that add up to more are refused.",
  ),
  overcommit: z
    .boolean()
    .default(false)
    .describe("Allow limits that add up to more than `memory`."),
});

export const Target = DockerTarget.prefault({ kind: "docker" }).describe(
  "Where the platform runs.",
);
