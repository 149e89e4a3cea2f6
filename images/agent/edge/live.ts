import { X509Certificate } from "node:crypto";
import { log } from "../log.ts";
import { backendOf, diffMap, mapPath, parseShownMap, type RouteMap } from "./map.ts";
import type { ProxyRuntime } from "./runtime.ts";

// HAProxy reads a command line into one buffer.
const batchBytes = 8192;

/** Joins commands to lines that fit the proxy's buffer. */
export function batches(commands: string[]): string[] {
  const lines: string[] = [];
  for (const one of commands) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + one.length < batchBytes) {
      lines[lines.length - 1] = `${last};${one}`;
    } else lines.push(one);
  }
  return lines;
}

/** Brings the running proxy's map to the wanted one. */
export async function syncMap(proxy: ProxyRuntime, wanted: RouteMap): Promise<void> {
  const live = parseShownMap(await proxy.worker(`show map ${mapPath}`));
  const commands = diffMap(live, wanted);
  for (const line of batches(commands)) {
    const answer = await proxy.worker(line);
    if (answer) throw new Error(`the proxy refused a route: ${answer}`);
  }
  for (const one of commands) log("info", "changed a route", { command: one });
}

/** What a running proxy takes without a reload. */
export interface Live {
  map: RouteMap;
  /** Certificate files by path. */
  certificates: Map<string, string>;
}

/** Names in the answer of `show backend` and `show ssl cert`: one a line, below headings. */
function names(answer: string): Set<string> {
  const lines = answer.split("\n").map((line) => line.trim());
  return new Set(lines.filter((line) => line && !/^[#*]/.test(line)));
}

/** What of routes and certificates a proxy can take that has told its backends and files. */
export function fitting(
  { map, certificates }: Live,
  told: { backends: string; certificates: string },
): Live {
  const [backends, files] = [names(told.backends), names(told.certificates)];
  return {
    map: new Map([...map].filter(([, entry]) => backends.has(backendOf(entry)))),
    certificates: new Map([...certificates].filter(([file]) => files.has(file))),
  };
}

/** Gives the running proxy a certificate file's content, when it still serves another one. */
export async function syncCertificate(
  proxy: ProxyRuntime,
  file: string,
  pem: string,
): Promise<void> {
  const certificate = new X509Certificate(pem);
  const shown = await proxy.worker(`show ssl cert ${file}`);
  const live = /^SHA1 FingerPrint: (\S+)$/m.exec(shown)?.[1];
  if (live === certificate.fingerprint.replaceAll(":", "")) return;
  const body = pem.replace(/\n+/g, "\n").trim();
  const set = await proxy.worker(`set ssl cert ${file} <<\n${body}\n`);
  const commit = await proxy.worker(`commit ssl cert ${file}`);
  if (!commit.includes("Success")) throw new Error(`the proxy refused ${file}: ${set} ${commit}`);
  log("info", "changed the certificate", { file, until: certificate.validTo });
}
