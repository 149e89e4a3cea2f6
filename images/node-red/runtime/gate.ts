/**
 * The gate in front of the HTTP nodes. While a deploy restarts nodes, requests for the flows that
 * it touches wait; requests that run there are let finish first. Everything else passes.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { endpointKey, isAffected, type Scope } from "./affected.ts";
import { findRoute } from "./internals.ts";
import type { Logger } from "./log.ts";
import type { Handler } from "./node-red.ts";

/** Held requests beyond this are refused: 503 with Retry-After. */
const MAX_WAITING = 10_000;

interface Waiting {
  req: IncomingMessage;
  res: ServerResponse;
  dispatch: () => void;
}

/** Counters since the start of the process. */
export interface GateCounters {
  requests: number;
  held: number;
  refused: number;
  closed: number;
  cutShort: number;
}

export interface GateOptions {
  /** The HTTP nodes; asked for their routes only while the gate is closed. */
  app: () => Handler;
  /** Longest wait for running requests before a deploy goes on. */
  graceMs: number;
  log: Logger;
}

/** Starts closed for everything: flows have not started. */
export class Gate {
  readonly counters: GateCounters = { requests: 0, held: 0, refused: 0, closed: 0, cutShort: 0 };
  private readonly options: GateOptions;
  private readonly running = new Map<IncomingMessage, ServerResponse>();
  private readonly waiting = new Set<Waiting>();
  private scope: Scope | null = { tabs: "all", endpoints: new Map() };
  private onFinished: (() => void) | undefined;

  constructor(options: GateOptions) {
    this.options = options;
  }

  get inFlight(): number {
    return this.running.size;
  }

  get waitingCount(): number {
    return this.waiting.size;
  }

  /** Lets a request pass to `dispatch`, now or when the deploy is over. */
  admit(req: IncomingMessage, res: ServerResponse, dispatch: () => void): void {
    this.counters.requests += 1;
    if (this.scope !== null && this.mustWait(this.scope, req)) this.hold({ req, res, dispatch });
    else this.enter(req, res, dispatch);
  }

  private enter(req: IncomingMessage, res: ServerResponse, dispatch: () => void): void {
    // Its client has gone, and "close" with it: a deploy would wait for this request.
    if (res.destroyed) return;
    this.running.set(req, res);
    res.once("close", () => {
      this.running.delete(req);
      this.onFinished?.();
    });
    dispatch();
  }

  private mustWait(scope: Scope, req: IncomingMessage): boolean {
    if (scope.tabs === "all") return true;
    const key = this.routeOf(req);
    return key === null || isAffected(scope, key);
  }

  /** Endpoint that answers a request; null when there is none (it may be there after the deploy). */
  private routeOf(req: IncomingMessage): string | null {
    const path = pathOf(req);
    const route = findRoute(this.options.app(), req.method ?? "GET", path);
    if (route === null) return null;
    const method = Object.keys(route.methods)[0] ?? "get";
    return endpointKey(method, route.path);
  }

  private hold(waiting: Waiting): void {
    if (this.waiting.size >= MAX_WAITING) {
      this.counters.refused += 1;
      waiting.res
        .writeHead(503, { "Retry-After": "1" })
        .end("Too many requests wait for a deploy\n");
      return;
    }
    this.counters.held += 1;
    this.waiting.add(waiting);
    waiting.res.once("close", () => this.waiting.delete(waiting));
  }

  /** Holds new requests of `scope` and waits, within bounds, for those that run. */
  async close(scope: Scope): Promise<void> {
    if (scope.tabs !== "all" && scope.tabs.size === 0) return;
    this.counters.closed += 1;
    this.scope = scope;
    await this.settle(scope);
  }

  private async settle(scope: Scope): Promise<void> {
    const busy = [...this.running.keys()].filter((req) => this.mustWait(scope, req));
    const left = () => busy.filter((req) => this.running.has(req)).length;
    if (left() === 0) return;
    const done = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), this.options.graceMs);
      this.onFinished = () => {
        if (left() > 0) return;
        clearTimeout(timer);
        resolve(true);
      };
    });
    this.onFinished = undefined;
    if (done) return;
    const running = left();
    this.counters.cutShort += running;
    this.options.log.warn("a deploy does not wait longer for running requests", { running });
    // Their nodes go now: the next deploy need not wait for them again.
    for (const req of busy) this.running.delete(req);
  }

  /**
   * Answers all that runs, because the process ends by an error. What waits has begun nothing: without an
   * answer the edge sends it to another process.
   */
  abandon(): void {
    for (const res of this.running.values()) {
      if (res.headersSent) res.destroy();
      else {
        const headers = { "Content-Type": "text/plain; charset=utf-8", Connection: "close" };
        res.writeHead(500, headers).end("The process ended while it worked on this request\n");
      }
    }
  }

  /** Lets everything in, those that waited first and in their order. */
  open(): void {
    this.scope = null;
    const held = [...this.waiting];
    this.waiting.clear();
    for (const { req, res, dispatch } of held) this.enter(req, res, dispatch);
  }
}

/** Path of a request as the HTTP nodes see it, without the query. */
function pathOf(req: IncomingMessage): string {
  const url = req.url ?? "/";
  const end = url.indexOf("?");
  return end === -1 ? url : url.slice(0, end);
}
