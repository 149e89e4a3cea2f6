import * as pulumi from "@pulumi/pulumi";
import { canonicalJson } from "../../config/canonical.ts";
import { heapMegabytes } from "../../config/units.ts";
import type { NodeRedEnvironment } from "../../images/node-red/runtime/environment.ts";
import { healthCheck, IMAGE_HEALTH } from "../health.ts";
import { type DatabaseAccess, databaseName } from "../jobs.ts";
import { REPLICA_SET } from "../mongodb/plan.ts";
import type { FileContent, ImageId, Process, Workload, WorkloadFile } from "../target/types.ts";
import { TRUST_FILE } from "../tls.ts";

/** A value of the flows' environment: plain or secret. */
export type FlowEnvironment = Readonly<Record<string, pulumi.Input<string>>>;

/** Command of a runtime whose heap fits its memory limit. */
export function runtimeCommand(memory: number): string[] {
  return ["node", `--max-old-space-size=${heapMegabytes(memory)}`, "/app/runtime/main.ts"];
}

/** The environment of a container of the Node-RED image, as the runtime's own type has it. */
export function runtimeEnvironment(environment: NodeRedEnvironment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
}

/** Connection string of a database's own user; with TLS it names the authority, and drivers check the host. */
export function mongodbUri(
  kind: "cluster" | "tenant",
  identity: string,
  { seeds, tls }: Pick<DatabaseAccess, "seeds" | "tls">,
  userPassword: pulumi.Input<string>,
): pulumi.Output<string> {
  const name = databaseName(kind, identity);
  const hosts = seeds.join(",");
  const trust = tls ? `&tls=true&tlsCAFile=${encodeURIComponent(TRUST_FILE)}` : "";
  return pulumi.interpolate`mongodb://${name}:${userPassword}@${hosts}/${name}?replicaSet=${REPLICA_SET}&authSource=${name}${trust}`;
}

/** Connection string and flow environment as files. */
export function runtimeFiles(uri: FileContent, environment: FlowEnvironment): WorkloadFile[] {
  return [
    { name: "mongodb-uri", content: uri },
    { name: "environment.json", content: environmentFile(environment) },
  ];
}

/** What every runtime has in common, whatever its role. */
export function runtimeDefaults(nodeRed: 4 | 5) {
  return {
    image: `node-red-${nodeRed}` as ImageId,
    user: { uid: 1000, gid: 1000 } satisfies Process["user"],
    health: healthCheck(IMAGE_HEALTH),
    waitSeconds: 180,
    graceSeconds: 15,
  } satisfies Partial<Workload>;
}

function environmentFile(environment: FlowEnvironment): FileContent {
  const values = Object.values(environment);
  if (values.every((value) => typeof value === "string")) return canonicalJson(environment);
  return pulumi.output(environment).apply(canonicalJson);
}
