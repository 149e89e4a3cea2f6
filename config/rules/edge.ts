import { createPrivateKey, X509Certificate } from "node:crypto";
import { sortedEntries } from "../canonical.ts";
import type { Problem } from "../errors.ts";
import { hostClaims } from "../hosts.ts";
import type { PlatformConfig } from "../schema.ts";
import type { EdgeConfig } from "../sections/edge.ts";
import { problem, type Rule, type RuleContext } from "./rule.ts";

/**
 * First words of the paths that the editor answers: the routes of Node-RED's editor-api (4 and 5), the
 * files of its editor-client, and what its core nodes and the platform's own plugins add. A prefix among them
 * would cut the editor off; `.well-known` is about the host as a whole (RFC 8615).
 */
const TAKEN_PREFIXES: readonly string[] = [
  ...["auth", "comms", "context", "core", "credentials", "diagnostics", "flow", "flows", "icons"],
  ...["library", "locales", "nodes", "plugins", "projects", "resources", "settings", "theme"],
  ...["favicon.ico", "red", "types", "vendor", "debug", "inject", "udp-ports"],
  ...["redfleet", ".well-known"],
];

/** Ports, certificate files and path prefixes. */
export const edgeRules: Rule = (config, context) => [
  ...ports(config.edge),
  ...prefixes(config),
  ...certificate(config, context),
];

function ports({ http, https }: EdgeConfig): Problem[] {
  if (http !== https) return [];
  const rule = "already used at edge.https";
  return [problem("REDFLEET_CFG_PORT", "edge.http", http, rule, "use two different ports")];
}

function prefixes(config: PlatformConfig): Problem[] {
  return sortedEntries(config.clusters).flatMap(([key, { apiPrefix }]) => {
    // Node-RED does not tell capitals from small letters in paths.
    const first = (apiPrefix.split("/")[1] ?? "").toLowerCase();
    if (!TAKEN_PREFIXES.includes(first)) return [];
    const path = `clusters.${key}.apiPrefix`;
    const rule = "taken by the platform";
    return [problem("REDFLEET_CFG_PATH_PREFIX", path, apiPrefix, rule, "use /red-nodes")];
  });
}

function certificate(config: PlatformConfig, { readFile }: RuleContext): Problem[] {
  const { tls } = config.edge;
  if (tls.mode !== "files") return [];
  const problems: Problem[] = [];
  const read = (name: "certificate" | "key"): string | undefined => {
    try {
      return readFile(tls[name]);
    } catch {
      problems.push(tlsProblem(name, tls[name], "a readable PEM file", "check the path"));
      return undefined;
    }
  };
  const [pem, key] = [read("certificate"), read("key")];
  if (pem === undefined || key === undefined) return problems;
  return checkPair(config, pem, key);
}

function checkPair(config: PlatformConfig, pem: string, keyPem: string): Problem[] {
  const certificateFile = parse(() => new X509Certificate(pem));
  const key = parse(() => createPrivateKey(keyPem));
  if (certificateFile === undefined) {
    return [tlsProblem("certificate", undefined, "a PEM certificate", "convert it to PEM")];
  }
  if (key === undefined) {
    return [tlsProblem("key", undefined, "a PEM key without passphrase", "decrypt or convert it")];
  }
  if (!certificateFile.checkPrivateKey(key)) {
    return [tlsProblem("key", undefined, "belongs to the certificate", "use the matching key")];
  }
  return [...validity(certificateFile), ...coverage(config, certificateFile)];
}

function validity({ validFrom, validFromDate, validTo, validToDate }: X509Certificate): Problem[] {
  const now = new Date();
  if (validFromDate > now) {
    const fix = "use one that is valid now, or set the clock of this machine right";
    return [tlsProblem("certificate", validFrom, "valid already", fix)];
  }
  if (validToDate > now) return [];
  return [tlsProblem("certificate", validTo, "not expired", "renew it")];
}

function coverage(config: PlatformConfig, certificateFile: X509Certificate): Problem[] {
  const missing = hostClaims(config).filter(({ host }) => !certificateFile.checkHost(host));
  return missing.map(({ host, path }) =>
    tlsProblem(
      "certificate",
      certificateFile.subjectAltName,
      `covers ${host} (${path})`,
      "reissue it",
    ),
  );
}

function tlsProblem(field: string, got: unknown, rule: string, fix: string): Problem {
  return problem("REDFLEET_CFG_TLS", `edge.tls.${field}`, got, rule, fix);
}

function parse<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
