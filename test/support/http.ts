import { readFileSync } from "node:fs";
import type { LookupFunction } from "node:net";
import { connect } from "node:tls";
import { Agent, type Dispatcher, request } from "undici";
import WebSocket from "ws";
import type { TestStack } from "./stack.ts";

/** An answer from a platform, read to its end. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Dispatcher.ResponseData["headers"];
}

/** What a request may carry. */
export interface Question {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly headers?: Record<string, string>;
  /** An object is sent as JSON. */
  readonly body?: unknown;
  /** Bound in milliseconds. Default 30 s: a held request counts as answered until then. */
  readonly timeout?: number;
}

/** Speaks HTTPS with one stack's edge, trusting nothing but that stack's own authority. */
export class EdgeClient {
  readonly stack: TestStack;
  private readonly agent: Agent;
  private readonly ca: Buffer;
  private readonly lookup: LookupFunction;

  /** @param caFile the stack's CA certificate, as told by `redfleet status`. */
  constructor(stack: TestStack, caFile: string, connections = 32) {
    this.stack = stack;
    this.ca = readFileSync(caFile);
    this.lookup = lookupOf(stack.address ?? "127.0.0.1");
    this.agent = new Agent({ connections, connect: { ca: this.ca, lookup: this.lookup } });
  }

  /** Asks one host of the stack (`main`, `acme`, …) or any full name. */
  async ask(host: string, path: string, question: Question = {}): Promise<Answer> {
    const name = host.includes(".") ? host : `${host}.${this.stack.domain}`;
    const isJson = question.body !== undefined && typeof question.body !== "string";
    const answer = await request(`https://${name}:${this.stack.https}${path}`, {
      dispatcher: this.agent,
      method: question.method ?? "GET",
      headers: { ...(isJson && { "content-type": "application/json" }), ...question.headers },
      body: isJson ? JSON.stringify(question.body) : (question.body as string | undefined),
      headersTimeout: question.timeout ?? 30_000,
      bodyTimeout: question.timeout ?? 30_000,
    });
    const body = await answer.body.text();
    return { status: answer.statusCode, body, headers: answer.headers };
  }

  /** Opens a websocket to a host of the stack. */
  socket(host: string, path: string): WebSocket {
    const url = `wss://${host}.${this.stack.domain}:${this.stack.https}${path}`;
    return new WebSocket(url, { ca: this.ca, lookup: this.lookup });
  }

  /** Fingerprint of the certificate that a new connection to a host is shown. @throws when it is not trusted. */
  certificate(host: string): Promise<string> {
    const address = { host: this.stack.address ?? "127.0.0.1", port: this.stack.https };
    return new Promise((resolve, reject) => {
      const servername = `${host}.${this.stack.domain}`;
      const socket = connect({ ...address, servername, ca: this.ca }, () => {
        resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? "none");
        socket.destroy();
      });
      socket.once("error", reject);
    });
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }
}

/** Node resolves no `*.localhost` names; every name of a stack is at its edge. */
function lookupOf(address: string): LookupFunction {
  return (_host, options, done) => {
    if (options.all) done(null, [{ address, family: 4 }]);
    else done(null, address, 4);
  };
}
