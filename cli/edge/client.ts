import { readFile } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { text } from "node:stream/consumers";
import { projectPath } from "../../config/local.ts";
import type { EdgeConfig } from "../../config/sections/edge.ts";

/** How this machine reaches the platform's edge. */
export interface Edge {
  /** Where it listens, e.g. `127.0.0.1`. Names below .localhost are not known to every resolver. */
  readonly address: string;
  /** File with certificates, of authorities or the edge's own, that it must show one of; null: what Node trusts. */
  readonly trustFile: string | null;
}

/** What is asked beside the URL. */
export interface Question {
  /** Default GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Longest wait for the answer, in seconds; default 5. */
  readonly timeoutSeconds?: number;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * What the edge's certificate is checked against. Given files are trusted themselves: their authority may be
 * one that this machine does not know, and what is to be seen is that the edge serves just them.
 * @param ownCa file with the certificate of the platform's own CA
 */
export const trustFile = (tls: EdgeConfig["tls"], ownCa: string | null): string | null =>
  tls.mode === "files" ? projectPath(tls.certificate) : ownCa;

/** An edge that listens everywhere is asked on this machine's own address. */
export const reachable = (address: string): string =>
  ["0.0.0.0", "::"].includes(address) ? "127.0.0.1" : address;

/**
 * Asks a URL of the platform through its edge, whatever its host name resolves to here.
 * @throws when it cannot be reached, its certificate is not valid, or it takes too long.
 */
export async function askEdge(edge: Edge, url: URL, question: Question = {}): Promise<Answer> {
  const { method = "GET", headers = {}, body, timeoutSeconds = 5 } = question;
  const ca = edge.trustFile === null ? undefined : await readFile(edge.trustFile);
  const content = body === undefined ? undefined : JSON.stringify(body);
  const request = url.protocol === "http:" ? requestHttp : requestHttps;
  return new Promise((resolve, reject) => {
    const options = {
      host: edge.address,
      port: url.port || (url.protocol === "http:" ? 80 : 443),
      path: url.pathname + url.search,
      method,
      servername: url.hostname,
      headers: {
        host: url.host,
        ...(content !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(ca && { ca, allowPartialTrustChain: true }),
      timeout: timeoutSeconds * 1000,
      agent: false as const,
    };
    const asked = request(options, (answer) => {
      text(answer).then((read) => resolve({ status: answer.statusCode ?? 0, body: read }), reject);
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${timeoutSeconds} s`)));
    asked.on("error", reject).end(content);
  });
}
