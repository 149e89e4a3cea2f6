import { physicalName } from "../../config/names.ts";
import { commonEnvironment, type PlanContext } from "../context.ts";
import { JOB_LIMITS, JOB_USER } from "../jobs.ts";
import { keptFolder } from "../kept.ts";
import type { FileContent, Job, Mount } from "../target/types.ts";

const FOLDER = "/credentials";

/** Where editor and replicas find the secret that their stored credentials are encrypted with. */
export const CREDENTIAL_SECRET = `${FOLDER}/secret`;

/**
 * The folder of a cluster's credential secret. It outlives the cluster like the data that nobody could read
 * without it, until the erasure of both is confirmed.
 */
export const planCredentials = keptFolder({ component: "credentials", id: "credentials" });

/** The folder in a container; who only reads the secret cannot change it. */
export function credentialsMount(stack: string, identity: string, readOnly: boolean): Mount {
  return { volume: credentialsName(stack, identity), path: FOLDER, readOnly };
}

/** Keeps the secret where it stays. One that is there is never changed: of a cluster that comes back it is right. */
export function planKeepSecret(
  id: string,
  { stack, networks }: PlanContext,
  identity: string,
  secret: FileContent,
): Job {
  return {
    id: `${id}.keep-secret`,
    name: physicalName(stack, "job", "credentials", identity),
    identity: { stack, component: "job", key: identity },
    image: "agent",
    command: ["node", "/app/jobs/keep-secret.ts"],
    environment: {
      ...commonEnvironment(stack, "job", identity),
      REDFLEET_SECRET_FILE: "/run/redfleet/credential-secret",
      REDFLEET_KEPT_FILE: CREDENTIAL_SECRET,
    },
    files: [{ name: "credential-secret", content: secret }],
    user: JOB_USER,
    ...JOB_LIMITS,
    mounts: [credentialsMount(stack, identity, false)],
    networks: [{ network: networks.data }],
  };
}

function credentialsName(stack: string, identity: string): string {
  return physicalName(stack, "credentials", identity);
}
