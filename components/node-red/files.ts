import * as pulumi from "@pulumi/pulumi";
import { canonicalJson } from "../../config/canonical.ts";
import { databaseName } from "../jobs.ts";
import type { DatabaseAccess } from "../mongodb/access.ts";
import type { FileContent, WorkloadFile } from "../target/types.ts";

/** Values of the flows' environment: plain or secret. */
export type FlowEnvironment = Readonly<Record<string, pulumi.Input<string>>>;

/** What a runtime's files are made from. */
export interface RuntimeSecrets {
  readonly kind: "cluster" | "tenant";
  readonly identity: string;
  readonly access: DatabaseAccess;
  /** Password of the database's own user. */
  readonly databasePassword: pulumi.Input<string>;
  readonly environment: FlowEnvironment;
}

/** Connection string and flow environment: files, because secrets are in them. Plans only carry them. */
export function runtimeFiles(secrets: RuntimeSecrets): WorkloadFile[] {
  const { kind, identity, access, databasePassword, environment } = secrets;
  const uri = access.uriOf(databaseName(kind, identity), databasePassword);
  return [...access.files, { name: "mongodb-uri", content: uri }, flowFile(environment)];
}

/** The flow environment alone, for runtimes that need no database. */
export function flowFile(environment: FlowEnvironment): WorkloadFile {
  return { name: "environment.json", content: environmentFile(environment) };
}

function environmentFile(environment: FlowEnvironment): FileContent {
  const values = Object.values(environment);
  if (values.every((value) => typeof value === "string")) return canonicalJson(environment);
  return pulumi.output(environment).apply(canonicalJson);
}
