import { X509Certificate } from "node:crypto";
import { readText } from "../files.ts";
import { log } from "../log.ts";
import { joined, readAuthority, readLeaf, writeAuthority } from "./files.ts";
import { issueAuthority, issueLeaf, permittedNames } from "./issue.ts";
import { planCertificates } from "./plan.ts";

/** Where certificates live. The CA's key never leaves its folder, which only the agent mounts. */
export interface CertificatePaths {
  authority: string;
  edge: string;
}

const files = { platform: "tls.pem", aliases: "aliases.pem" } as const;

/** Issues and renews with the platform's own CA; gives the certificate files as they should be. */
export async function ownCertificates(
  paths: CertificatePaths,
  input: { stack: string; domain: string; hosts: string[]; leafDays: number },
  now = new Date(),
): Promise<Map<string, string>> {
  let authority = readAuthority(paths.authority);
  const parsed = authority && new X509Certificate(authority.certificate);
  const path = (leaf: keyof typeof files) => `${paths.edge}/${files[leaf]}`;
  const plan = planCertificates({
    ...input,
    now,
    authority: authority && {
      names: permittedNames(authority.certificate),
      notAfter: new Date(parsed?.validTo ?? 0),
    },
    leaves: {
      platform: readLeaf(path("platform"), parsed),
      aliases: readLeaf(path("aliases"), parsed),
    },
  });
  if (!authority || plan.authority.issue) {
    const title = `Redfleet ${input.stack} ${input.domain}`;
    authority = await issueAuthority(title, plan.authority.names, now, authority?.key);
    writeAuthority(paths.authority, authority);
    log("info", "issued an authority", { ...plan.authority, why: plan.authority.issue });
  }
  const wanted = new Map<string, string>();
  for (const { leaf, hosts, issue } of plan.leaves) {
    if (issue) log("info", "issuing a certificate", { leaf, hosts, why: issue });
    wanted.set(
      path(leaf),
      issue
        ? joined(await issueLeaf(authority, { hosts, days: input.leafDays }, now))
        : (readText(path(leaf)) ?? ""),
    );
  }
  return wanted;
}
