import { physicalName } from "../../config/names.ts";
import { commonEnvironment, type PlanContext } from "../context.ts";
import { runtimeImage } from "../images/plan.ts";
import { JOB_LIMITS, JOB_USER, trust } from "../jobs.ts";
import type { Job, WorkloadFile } from "../target/types.ts";
import type { ClusterInput } from "./plan.ts";

/** Makes the first user of a cluster whose users live in Valkey, with the cluster's own rights there. */
export function planFirstUser(
  id: string,
  context: PlanContext,
  input: Omit<ClusterInput, "files">,
  files: readonly WorkloadFile[],
): Job {
  const { identity, config, shared } = input;
  const { stack } = context;
  return {
    id: `${id}.first-user`,
    name: physicalName(stack, "job", "user", identity),
    identity: { stack, component: "job", key: identity },
    image: runtimeImage(config.nodeRed),
    command: ["node", "/app/runtime/first-user.ts"],
    environment: {
      ...commonEnvironment(stack, "job", identity),
      REDFLEET_ROLE: "instance",
      REDFLEET_FLOW_STORE: "valkey",
      REDFLEET_VALKEY_FILE: "/run/redfleet/valkey.json",
      REDFLEET_FIRST_USER: "admin",
      REDFLEET_FIRST_PASSWORD_FILE: "/run/redfleet/first-password",
    },
    files,
    user: JOB_USER,
    ...JOB_LIMITS,
    mounts: trust(context, shared),
    networks: [{ network: shared.network }],
  };
}
