import * as pulumi from "@pulumi/pulumi";
import { canonicalJson } from "../../config/canonical.ts";
import { type DatabaseAccess, databaseName } from "../jobs.ts";
import { REPLICA_SET } from "../mongodb/plan.ts";
import type { FileContent, WorkloadFile } from "../target/types.ts";
import { TRUST_FILE } from "../tls.ts";

/** Values of the flows' environment: plain or secret. */
export type FlowEnvironment = Readonly<Record<string, pulumi.Input<string>>>;

/** What a runtime's files are made from. */
export interface RuntimeSecrets {
  readonly kind: "cluster" | "tenant";
  readonly identity: string;
  readonly access: Pick<DatabaseAccess, "seeds" | "tls">;
  /** Password of the database's own user. */
  readonly databasePassword: pulumi.Input<string>;
  readonly environment: FlowEnvironment;
}

/** Connection string and flow environment: files, because secrets are in them. Plans only carry them. */
export function runtimeFiles(secrets: RuntimeSecrets): WorkloadFile[] {
  return [
    { name: "mongodb-uri", content: mongodbUri(secrets) },
    { name: "environment.json", content: environmentFile(secrets.environment) },
  ];
}

/** With TLS it names the authority, and drivers check the host. */
function mongodbUri({ kind, identity, access, databasePassword }: RuntimeSecrets): FileContent {
  const name = databaseName(kind, identity);
  const hosts = access.seeds.join(",");
  const trust = access.tls ? `&tls=true&tlsCAFile=${encodeURIComponent(TRUST_FILE)}` : "";
  return pulumi.interpolate`mongodb://${name}:${databasePassword}@${hosts}/${name}?replicaSet=${REPLICA_SET}&authSource=${name}${trust}`;
}

function environmentFile(environment: FlowEnvironment): FileContent {
  const values = Object.values(environment);
  if (values.every((value) => typeof value === "string")) return canonicalJson(environment);
  return pulumi.output(environment).apply(canonicalJson);
}
