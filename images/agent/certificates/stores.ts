import { X509Certificate } from "node:crypto";
import { mkdirSync } from "node:fs";
import { writeAtomic, writeIfChanged } from "../files.ts";
import { log } from "../log.ts";
import type { Container, Observed } from "../model.ts";
import type { StoreSettings } from "../settings.ts";
import { joined, readAuthority, readLeaf, writeAuthority } from "./files.ts";
import { type Issued, issueAuthority, issueLeaf } from "./issue.ts";
import { whyIssue, year } from "./plan.ts";

/** Where the stores' certificates live. Only the agent mounts the folder with the authority's key. */
export interface StorePaths {
  authority: string;
  /** The authority's certificate, for everybody who talks to a store. */
  trust: string;
  mongodb: string;
  valkey: string;
}

const COMPONENTS = { mongodb: ["mongodb"], valkey: ["valkey", "sentinel"] } as const;

/** Common name of all MongoDB members: the user as which one asks itself to read its renewed certificate. */
const COMMON_NAME = "redfleet-mongodb";

/**
 * Issues and renews a certificate for every member of a store with TLS, from an authority that nobody but
 * the stack trusts. A member waits for its first one, and notices a new one by itself.
 */
export async function keepStoreCertificates(
  paths: StorePaths,
  observed: Observed,
  { stack, stores }: { stack: string; stores: StoreSettings },
  now = new Date(),
): Promise<void> {
  if (stores.tls.length === 0) return;
  const authority = await keepAuthority(paths.authority, stack, now);
  writeIfChanged(`${paths.trust}/ca.crt`, authority.certificate, 0o644);
  const issuer = new X509Certificate(authority.certificate);
  for (const store of stores.tls) {
    for (const member of membersOf(store, observed)) {
      const path = `${paths[store]}/${member.name}.pem`;
      const hosts = hostsOf(member, stack);
      if (hosts === undefined) continue;
      const why = whyIssue(readLeaf(path, issuer), hosts, now);
      if (why === undefined) continue;
      const commonName = store === "mongodb" ? COMMON_NAME : undefined;
      const request = { hosts, days: stores.leafDays, commonName, client: true };
      writeAtomic(path, joined(await issueLeaf(authority, request, now)));
      log("info", "issued a certificate", { member: member.name, hosts, why });
    }
  }
}

async function keepAuthority(folder: string, stack: string, now: Date): Promise<Issued> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const present = readAuthority(folder);
  const end = present && new X509Certificate(present.certificate).validToDate;
  if (present && end && end.getTime() - now.getTime() > year) return present;
  const issued = await issueAuthority(`Redfleet ${stack} stores`, [], now, present?.key);
  writeAuthority(folder, issued);
  log("info", "issued an authority", { for: "stores", why: present ? "its last year" : "none" });
  return issued;
}

function membersOf(store: keyof typeof COMPONENTS, { containers }: Observed): Container[] {
  const components: readonly string[] = COMPONENTS[store];
  return containers.filter(({ component }) => components.includes(component));
}

/** Name and address in the data network, and the loopback; undefined while it has no address. */
function hostsOf({ name, networks }: Container, stack: string): string[] | undefined {
  const [address] = networks.get(`${stack}-data`) ?? [];
  return address === undefined ? undefined : [name, address, "localhost", "127.0.0.1"];
}
