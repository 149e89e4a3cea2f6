import { X509Certificate } from "node:crypto";
import { readText, writeAtomic } from "../files.ts";
import type { Issued } from "./issue.ts";
import type { LeafState } from "./plan.ts";

/** Names and addresses that a certificate is for. */
function hostsOf(certificate: X509Certificate): string[] {
  const listed = (certificate.subjectAltName ?? "").split(", ");
  return listed.map((name) => name.replace(/^(DNS|IP Address):/, ""));
}

/** A certificate file, as far as there is one that can be read. */
export function readLeaf(
  path: string,
  authority: X509Certificate | undefined,
): LeafState | undefined {
  try {
    const leaf = new X509Certificate(readText(path) ?? "");
    return {
      hosts: hostsOf(leaf),
      notBefore: new Date(leaf.validFrom),
      notAfter: new Date(leaf.validTo),
      trusted: authority !== undefined && leaf.verify(authority.publicKey),
    };
  } catch {
    return undefined;
  }
}

/** The authority that a folder keeps. */
export function readAuthority(folder: string): Issued | undefined {
  const certificate = readText(`${folder}/ca.crt`);
  const key = readText(`${folder}/ca.key`);
  return certificate && key ? { certificate, key } : undefined;
}

/** Key first: a certificate without its key would be taken for no authority at all. */
export function writeAuthority(folder: string, issued: Issued): void {
  writeAtomic(`${folder}/ca.key`, issued.key, 0o600);
  writeAtomic(`${folder}/ca.crt`, issued.certificate, 0o644);
}

/** Key and certificate in one file, as servers read them. */
export const joined = (issued: Issued) =>
  `${issued.key}${issued.certificate}`.replace(/\n+/g, "\n").trim();
