import { platformImage } from "./image.ts";
import type { Lab } from "./lab.ts";
import { until } from "./wait.ts";

/** Mounts and environment of a member with TLS. */
export function memberTls(lab: Lab, store: "mongodb" | "valkey", name: string) {
  return {
    shared: { [`${store}-tls`]: "/run/tls", "stores-trust": "/run/stores" },
    environment: {
      REDFLEET_TLS_FILE: `/run/tls/${lab.nameOf(name)}.pem`,
      REDFLEET_TLS_CA_FILE: "/run/stores/ca.crt",
    },
  };
}

/** Mounts and environment of whoever talks to a store with TLS. */
export const CLIENT_TLS = {
  shared: { "stores-trust": "/run/stores" },
  environment: { REDFLEET_TLS_CA_FILE: "/run/stores/ca.crt" },
};

/** Starts a real agent that issues the certificates of a lab's store. */
export async function startStoreAgent(lab: Lab, store: "mongodb" | "valkey"): Promise<void> {
  await lab.start({
    name: "agent",
    component: "agent",
    image: await platformImage("agent"),
    command: ["node", "/app/agent.ts"],
    user: 0,
    group: 99,
    memoryMb: 192,
    engineAccess: true,
    files: { "edge.json": JSON.stringify({ domain: `${lab.stack}.localhost` }) },
    shared: {
      "edge-config": "/edge",
      "edge-run": "/run/edge",
      "agent-ca": "/ca",
      "stores-trust": "/stores/trust",
      [`${store}-tls`]: `/stores/${store}`,
    },
    environment: { REDFLEET_STACK: lab.stack, REDFLEET_STORE_TLS: store },
  });
  await until("the stores' authority", () => authorityOf(lab));
}

/** The authority of a lab's stores, PEM. */
export function authorityOf(lab: Lab): Promise<string> {
  return lab.run("agent", ["cat", "/stores/trust/ca.crt"]);
}

/**
 * Takes every member's certificate away, as if its time had come: the agent issues others when anything happens on
 * the engine, at the latest after half a minute.
 */
export async function renewAll(lab: Lab, store: "mongodb" | "valkey"): Promise<void> {
  await lab.run("agent", ["sh", "-c", `rm /stores/${store}/*.pem`]);
}
