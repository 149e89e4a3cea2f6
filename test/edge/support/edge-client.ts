import { X509Certificate } from "node:crypto";
import { request as plainRequest } from "node:http";
import { Agent, request } from "node:https";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import WebSocket from "ws";

/** An answer, read to its end. */
export interface EdgeAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Record<string, string | string[] | undefined>;
}

/** What a request may carry. */
export interface EdgeQuestion {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** A list is sent in chunks, without a length. */
  readonly body?: string | readonly string[];
  /** Default 10 s. */
  readonly timeout?: number;
}

type Lookup = (
  host: string,
  options: { all?: boolean },
  done: (error: null, address: never, family?: number) => void,
) => void;

// Node resolves no *.localhost names.
const lookup: Lookup = (_host, options, done) => {
  if (options.all) done(null, [{ address: "127.0.0.1", family: 4 }] as never);
  else done(null, "127.0.0.1" as never, 4);
};

/** Speaks HTTPS with an edge on the loopback and trusts nothing but its own authority. */
export class EdgeClient {
  readonly https: number;
  readonly http: number;
  /** Authority certificate, PEM. */
  ca: string;
  private readonly kept: Agent;

  constructor(ports: { https: number; http: number }, ca: string) {
    this.https = ports.https;
    this.http = ports.http;
    this.ca = ca;
    this.kept = new Agent({ ca, lookup, keepAlive: true, maxSockets: 16 });
  }

  /** Asks over a connection that is kept for later. */
  ask(host: string, path: string, question: EdgeQuestion = {}): Promise<EdgeAnswer> {
    return this.send(this.kept, host, path, question);
  }

  /** Asks over a connection of its own. */
  async askAnew(host: string, path: string, question: EdgeQuestion = {}): Promise<EdgeAnswer> {
    const agent = new Agent({ ca: this.ca, lookup, keepAlive: false });
    try {
      return await this.send(agent, host, path, question);
    } finally {
      agent.destroy();
    }
  }

  /** Asks over plain HTTP. */
  askPlain(host: string, path: string): Promise<EdgeAnswer> {
    const sent = plainRequest({ host, port: this.http, path, lookup, timeout: 10_000 });
    return answered(sent, undefined);
  }

  /** Sends bytes as they are over a connection of their own; all that came back until it was closed. */
  raw(host: string, text: string): Promise<string> {
    const target = { host: "127.0.0.1", port: this.https, servername: host, ca: this.ca };
    return new Promise((resolve, reject) => {
      let answer = "";
      const socket = connect({ ...target, ALPNProtocols: ["http/1.1"] }, () => socket.write(text));
      socket.setEncoding("latin1");
      socket.on("data", (part) => {
        answer += part;
      });
      socket.on("error", (error) => (answer === "" ? reject(error) : resolve(answer)));
      socket.on("close", () => resolve(answer));
    });
  }

  /** An open websocket. */
  socket(host: string, path: string): Promise<WebSocket> {
    const url = `wss://${host}:${this.https}${path}`;
    const socket = new WebSocket(url, { ca: this.ca, lookup: lookup as never });
    return new Promise((resolve, reject) => {
      socket.once("open", () => resolve(socket));
      socket.once("error", reject);
    });
  }

  /** A connection after its handshake, which verifies; nothing is sent on it. */
  connection(host: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const target = { host: "127.0.0.1", port: this.https, servername: host, ca: this.ca };
    return new Promise((resolve, reject) => {
      const socket = connect({ ...target, ...options }, () => resolve(socket));
      socket.on("error", reject);
    });
  }

  /** The certificate that a new connection is shown. */
  async certificate(host: string, options: ConnectionOptions = {}) {
    const socket = await this.connection(host, { ALPNProtocols: ["h2", "http/1.1"], ...options });
    const certificate = new X509Certificate(socket.getPeerCertificate().raw);
    const protocol = socket.alpnProtocol || null;
    socket.destroy();
    return { certificate, protocol };
  }

  close(): void {
    this.kept.destroy();
  }

  private send(agent: Agent, host: string, path: string, question: EdgeQuestion) {
    const { method = "GET", headers = {}, body, timeout = 10_000 } = question;
    const length = typeof body === "string" ? { "content-length": Buffer.byteLength(body) } : {};
    const options = { agent, host, servername: host, port: this.https, path, method, timeout };
    return answered(request({ ...options, headers: { ...length, ...headers } }), body);
  }
}

function answered(
  sent: ReturnType<typeof request>,
  body: EdgeQuestion["body"],
): Promise<EdgeAnswer> {
  return new Promise((resolve, reject) => {
    sent.on("timeout", () => sent.destroy(new Error("timeout")));
    sent.on("error", reject);
    sent.on("response", async (response) => {
      try {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers });
      } catch (error) {
        reject(error);
      }
    });
    for (const part of typeof body === "string" ? [body] : (body ?? [])) sent.write(part);
    sent.end();
  });
}

/** Sends a text over a websocket and gives the text that comes back; rejects after `seconds`. */
export function roundTrip(socket: WebSocket, text: string, seconds = 5): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no echo")), seconds * 1000);
    socket.once("message", (data) => {
      clearTimeout(timer);
      resolve(String(data));
    });
    socket.send(text);
  });
}
