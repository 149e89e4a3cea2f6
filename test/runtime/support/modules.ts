import type { NpmRegistry } from "../../support/npm-registry.ts";
import type { RuntimeOptions } from "./runtime.ts";

/** What a runtime needs to use a registry. */
export function using(registry: NpmRegistry): Pick<RuntimeOptions, "environment" | "files"> {
  return {
    files: { "npm-ca.pem": registry.ca, "npm-token": registry.token },
    environment: {
      REDFLEET_NPM_REGISTRY: registry.url,
      REDFLEET_NPM_CA_FILE: "/run/redfleet/npm-ca.pem",
      REDFLEET_NPM_TOKEN_FILE: "/run/redfleet/npm-token",
      REDFLEET_PALETTE_ALLOW: "*",
    },
  };
}
