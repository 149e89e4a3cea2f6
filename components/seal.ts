import { physicalName } from "../config/names.ts";
import type { Mount } from "./target/types.ts";

/** Where the agent's word on the firewall is; runtimes load no flow before it names them. */
export const SEAL_FILE = "/run/seal/sealed.json";

/** The volume that the agent writes it into. */
export function sealVolume(stack: string): string {
  return `${physicalName(stack, "agent")}-seal`;
}

/** The same volume in a runtime, which can only read it. */
export function sealMount(stack: string): Mount {
  return { volume: sealVolume(stack), path: "/run/seal", readOnly: true };
}
