import { createPrivateKey, X509Certificate } from "node:crypto";
import { readText } from "../files.ts";
import { log } from "../log.ts";
import { covers } from "./plan.ts";

/** What is wrong with a certificate and its key; nothing when they can be used. */
export function problems(certificate: string, key: string, hosts: string[], now: Date): string[] {
  try {
    const leaf = new X509Certificate(certificate);
    const names = (leaf.subjectAltName ?? "").split(", ").map((name) => name.replace("DNS:", ""));
    const missing = hosts.filter((host) => !covers(names, host));
    return [
      ...(leaf.checkPrivateKey(createPrivateKey(key)) ? [] : ["the key belongs to another one"]),
      ...(new Date(leaf.validTo) > now ? [] : [`it expired ${leaf.validTo}`]),
      ...(new Date(leaf.validFrom) <= now ? [] : [`it is valid only from ${leaf.validFrom}`]),
      ...(missing.length ? [`it does not cover ${missing.join(", ")}`] : []),
    ];
  } catch (error) {
    return [`it cannot be read: ${(error as Error).message}`];
  }
}

/** The files that a person gave, or the last good ones while those cannot be used. */
export class GivenCertificate {
  #reported = "";

  /** `path` holds the last good pair; undefined when there is no good one at all. */
  choose(
    path: string,
    files: { certificateFile: string; keyFile: string },
    hosts: string[],
    now = new Date(),
  ): Map<string, string> | undefined {
    const certificate = readText(files.certificateFile) ?? "";
    const key = readText(files.keyFile) ?? "";
    const found = problems(certificate, key, hosts, now);
    this.#report(files.certificateFile, found);
    if (found.length === 0) {
      const pem = `${key}\n${certificate}`.replace(/\s*\n+/g, "\n").trim();
      return new Map([[path, pem]]);
    }
    const last = readText(path);
    return last ? new Map([[path, last]]) : undefined;
  }

  /** Says it once for each change, not every half minute. */
  #report(file: string, found: string[]): void {
    const text = found.join("; ");
    if (text && text !== this.#reported) {
      log("error", "the given certificate is not used, the last good one stays", {
        file,
        reason: text,
      });
    }
    this.#reported = text;
  }
}
