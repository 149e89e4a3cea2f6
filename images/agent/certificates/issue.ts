import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import { AsnConvert } from "@peculiar/asn1-schema";
import { GeneralName, GeneralSubtree, GeneralSubtrees, NameConstraints } from "@peculiar/asn1-x509";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(webcrypto);

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const day = 86_400_000;
/** Clocks differ: what is issued is valid from a little earlier on. */
const backdate = 300_000;

/** A certificate and its key, both PEM. */
export interface Issued {
  certificate: string;
  key: string;
}

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** 126 random bits; the first byte keeps the number positive and of full length. */
function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return pem("PRIVATE KEY", await webcrypto.subtle.exportKey("pkcs8", key));
}

async function importKey(text: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(text.replace(/-----[^-]+-----|\s/g, ""), "base64");
  return await webcrypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
}

/** A stolen CA key is worth little: it may only speak for these names, and for no address. */
function nameConstraints(names: string[]): x509.Extension {
  const subtree = (name: ConstructorParameters<typeof GeneralName>[0]) =>
    new GeneralSubtree({ base: new GeneralName(name) });
  const constraints = new NameConstraints({
    permittedSubtrees: new GeneralSubtrees(names.map((dNSName) => subtree({ dNSName }))),
    // Every IPv4 and every IPv6 address: network and mask of zeros.
    excludedSubtrees: new GeneralSubtrees([
      subtree({ iPAddress: "0.0.0.0/0" }),
      subtree({ iPAddress: "::/0" }),
    ]),
  });
  return new x509.Extension("2.5.29.30", true, AsnConvert.serialize(constraints));
}

/**
 * A CA for ten years that may only speak for `names` and what is below them, or, without any, for everything:
 * for a CA that nobody but the platform trusts. `key` renews one.
 */
export async function issueAuthority(
  title: string,
  names: string[],
  now: Date,
  key?: string,
): Promise<Issued> {
  const keys = key ? await keysOf(key) : await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${title}`,
    notBefore: new Date(now.getTime() - backdate),
    notAfter: new Date(now.getTime() + 3650 * day),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      ...(names.length > 0 ? [nameConstraints(names)] : []),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), key: await exportKey(keys.privateKey) };
}

/** A private key with the public one that belongs to it. */
async function keysOf(text: string): Promise<webcrypto.CryptoKeyPair> {
  const privateKey = await importKey(text);
  const { d: _, key_ops: __, ...jwk } = await webcrypto.subtle.exportKey("jwk", privateKey);
  const publicKey = await webcrypto.subtle.importKey("jwk", jwk, algorithm, true, ["verify"]);
  return { privateKey, publicKey };
}

/** A certificate to issue. */
export interface LeafRequest {
  /** Names and addresses. */
  hosts: string[];
  /** How long it is valid; fractions count. */
  days: number;
  /** Common name. Default: the first host. */
  commonName?: string;
  /** Its owner shows it as a client too, as the members of a store do to each other. */
  client?: boolean;
}

/** A certificate of a server. */
export async function issueLeaf(
  authority: Issued,
  { hosts, days, commonName, client = false }: LeafRequest,
  now: Date,
): Promise<Issued> {
  const keys = await newKeys();
  const issuer = new x509.X509Certificate(authority.certificate);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${(commonName ?? hosts[0])?.slice(0, 64)}`,
    issuer: issuer.subject,
    notBefore: new Date(now.getTime() - backdate),
    notAfter: new Date(now.getTime() + days * day),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        ...(client ? [x509.ExtendedKeyUsage.clientAuth] : []),
      ]),
      new x509.SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: isIP(value) ? "ip" : "dns", value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), key: await exportKey(keys.privateKey) };
}

/** The names that an authority may speak for. */
export function permittedNames(certificate: string): string[] {
  const extension = new x509.X509Certificate(certificate).getExtension("2.5.29.30");
  if (!extension) return [];
  const { permittedSubtrees } = AsnConvert.parse(extension.value, NameConstraints);
  return [...(permittedSubtrees ?? [])].flatMap((subtree) => subtree.base.dNSName ?? []);
}
