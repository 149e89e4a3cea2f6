import { type IncomingMessage, request } from "node:http";

/** An answer of the engine that is not a success. */
export class EngineError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What a filter of the engine's list and event calls looks like. */
export type Filters = Record<string, string[]>;

/** A call of the engine's API. */
export interface Call {
  method?: "GET" | "POST";
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  /** Milliseconds without a byte until the call fails. Default 15,000; 0 waits for ever. */
  timeout?: number;
}

/** The engine's HTTP API on its socket, without a version: the engine then speaks its own. */
export class EngineClient {
  readonly #socketPath: string;

  constructor(socketPath = "/var/run/docker.sock") {
    this.#socketPath = socketPath;
  }

  /** Sends a call and gives the answer with its body still to be read; throws on 4xx and 5xx. */
  async open(call: Call): Promise<IncomingMessage> {
    const response = await this.#send(call);
    const status = response.statusCode ?? 0;
    if (status < 400) return response;
    throw new EngineError(status, messageOf(await text(response)) ?? `engine answered ${status}`);
  }

  /** Sends a call and parses the JSON of its answer; undefined for an empty one. */
  async call<T>(call: Call): Promise<T> {
    const body = await text(await this.open(call));
    return (body ? JSON.parse(body) : undefined) as T;
  }

  #send(call: Call): Promise<IncomingMessage> {
    const query = call.query ? `?${new URLSearchParams(call.query)}` : "";
    const payload = call.body === undefined ? undefined : JSON.stringify(call.body);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.#socketPath,
          method: call.method ?? "GET",
          path: `${call.path}${query}`,
          headers: payload ? { "content-type": "application/json" } : {},
          timeout: call.timeout ?? 15_000,
        },
        resolve,
      );
      sent.on("timeout", () => sent.destroy(new Error(`engine is silent: ${call.path}`)));
      sent.on("error", reject);
      sent.end(payload);
    });
  }
}

async function text(response: IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let body = "";
  for await (const chunk of response) body += chunk;
  return body;
}

function messageOf(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { message?: string }).message;
  } catch {
    return body || undefined;
  }
}
