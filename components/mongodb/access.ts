import * as pulumi from "@pulumi/pulumi";
import { own } from "../../config/own.ts";
import type { ExternalMongoDb } from "../../config/sections/mongodb.ts";
import type { PlanContext } from "../context.ts";
import type { KnownHost, WorkloadFile } from "../target/types.ts";
import { TRUST_FILE } from "../tls.ts";
import { memberHosts, REPLICA_SET } from "./members.ts";
import { databaseUri, serversOf, trusting } from "./uri.ts";

/** How jobs and runtimes reach the document store, whosever it is. */
export interface DatabaseAccess {
  /** Connection string of who makes databases' users; undefined where nobody may. */
  readonly adminUri: pulumi.Output<string> | undefined;
  /** Databases whose own connection string is given: nobody makes a user for them. */
  readonly given: ReadonlySet<string>;
  /** Connection string of a database's own user: the given one, or one with this password. */
  readonly uriOf: (database: string, password: pulumi.Input<string>) => pulumi.Output<string>;
  /** What its clients need beside the connection string. */
  readonly files: readonly WorkloadFile[];
  readonly hosts: readonly KnownHost[];
  /** Its members show certificates of the stack's own authority. */
  readonly tls: boolean;
  /** The network in which jobs reach it. */
  readonly network: string;
}

/** Access to the stack's own replica set. */
export function ownAccess(
  context: PlanContext,
  { seeds, admin, tls }: { seeds: readonly string[]; admin: pulumi.Output<string>; tls: boolean },
): DatabaseAccess {
  const plain = pulumi.interpolate`mongodb://redfleet-admin:${admin}@${seeds.join(",")}/admin?replicaSet=${REPLICA_SET}`;
  const adminUri = tls ? plain.apply((uri) => trusting(uri, TRUST_FILE)) : plain;
  return {
    adminUri,
    given: new Set(),
    uriOf: derivedFrom(adminUri),
    files: [],
    tls,
    hosts: memberHosts(context),
    network: context.networks.data,
  };
}

const CA_NAME = "mongodb-ca.crt";

/** Access to a replica set of somebody else; its connection strings are secrets of the stack. */
export function externalAccess(
  { networks }: PlanContext,
  { uriSecret, caSecret, databases }: ExternalMongoDb,
  secret: (name: string) => pulumi.Output<string>,
): DatabaseAccess {
  const uri = (name: string) => {
    const written = secret(name).apply((text) => text.trim());
    return caSecret === undefined
      ? written
      : written.apply((text) => trusting(text, `/run/redfleet/${CA_NAME}`));
  };
  const adminUri = uriSecret === undefined ? undefined : uri(uriSecret);
  return {
    adminUri,
    given: new Set(Object.keys(databases)),
    uriOf: (database, password) => {
      const name = own(databases, database);
      if (name !== undefined) return uri(name);
      if (adminUri === undefined) throw new Error(`no connection string for ${database}`);
      return derivedFrom(adminUri)(database, password);
    },
    files: caSecret === undefined ? [] : [{ name: CA_NAME, content: secret(caSecret) }],
    tls: false,
    hosts: [],
    // The data network has no way out.
    network: networks.edge,
  };
}

function derivedFrom(adminUri: pulumi.Output<string>): DatabaseAccess["uriOf"] {
  return (database, password) =>
    pulumi.all([adminUri, password]).apply(([uri, text]) => databaseUri(uri, database, text));
}

/** All servers of somebody else's replica set, one a line, for the firewall to let tenants through. */
export function externalServers(
  { uriSecret, databases }: ExternalMongoDb,
  secret: (name: string) => pulumi.Output<string>,
): pulumi.Output<string> {
  const names = [...(uriSecret === undefined ? [] : [uriSecret]), ...Object.values(databases)];
  return pulumi
    .all(names.map(secret))
    .apply((uris) => [...new Set(uris.flatMap(serversOf))].sort().join("\n"));
}
