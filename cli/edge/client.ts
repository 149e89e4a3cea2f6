import { readFile } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { text } from "node:stream/consumers";

/** How this machine reaches the platform's edge. */
export interface Edge {
  /** Where it listens, e.g. `127.0.0.1`. Names below .localhost are not known to every resolver. */
  readonly address: string;
  /** File with the certificate of its authority; null where this machine trusts it anyway. */
  readonly caFile: string | null;
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

/** An edge that listens everywhere is asked on this machine's own address. */
export const reachable = (address: string): string =>
  ["0.0.0.0", "::"].includes(address) ? "127.0.0.1" : address;

/**
 * Asks a URL of the platform through its edge, whatever its host name resolves to here.
 * @throws when it cannot be reached, its certificate is not valid, or it takes too long.
 */
export async function askEdge(edge: Edge, url: URL, question: Question = {}): Promise<Answer> {
  const { method = "GET", headers = {}, body, timeoutSeconds = 5 } = question;
  const ca = edge.caFile === null ? undefined : await readFile(edge.caFile);
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
      ...(ca && { ca }),
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
