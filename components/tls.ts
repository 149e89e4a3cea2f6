import { physicalName } from "../config/names.ts";
import type { Mount, Volume } from "./target/types.ts";

/** A store that can encrypt its connections. */
export type Store = "mongodb" | "valkey";

/** Where everybody who talks to a store finds the authority of its members' certificates. */
const TRUST_PATH = "/run/stores";
export const TRUST_FILE = `${TRUST_PATH}/ca.crt`;

const CERTIFICATES_PATH = "/run/tls";

/**
 * Volumes that the agent issues into: one with the authority's certificate for all clients, and one for each
 * store with its members' keys. Scratch: what is lost is issued again; the authority's key is elsewhere.
 */
export function planTlsVolumes(id: string, stack: string, stores: readonly Store[]): Volume[] {
  if (stores.length === 0) return [];
  return ["trust", ...stores].map((part) => ({
    id: `${id}.tls-${part}`,
    name: volumeName(stack, part),
    identity: { stack, component: "agent" },
    durability: "scratch",
  }));
}

/** The same volumes as the agent mounts them, to write. */
export function issuerMounts(stack: string, stores: readonly Store[]): Mount[] {
  if (stores.length === 0) return [];
  return ["trust", ...stores].map((part) => ({
    volume: volumeName(stack, part),
    path: `/stores/${part}`,
  }));
}

/** The authority's certificate, for a client of a store with TLS. */
export function trustMount(stack: string): Mount {
  return { volume: volumeName(stack, "trust"), path: TRUST_PATH, readOnly: true };
}

/** What a member of a store with TLS needs beside its own: environment and mounts. */
export function memberTls(stack: string, store: Store, name: string) {
  const certificates = {
    volume: volumeName(stack, store),
    path: CERTIFICATES_PATH,
    readOnly: true,
  };
  return {
    environment: {
      REDFLEET_TLS_FILE: `${CERTIFICATES_PATH}/${name}.pem`,
      REDFLEET_TLS_CA_FILE: TRUST_FILE,
    },
    mounts: [certificates, trustMount(stack)] satisfies Mount[],
  };
}

function volumeName(stack: string, part: string): string {
  return `${physicalName(stack, "agent")}-stores-${part}`;
}
