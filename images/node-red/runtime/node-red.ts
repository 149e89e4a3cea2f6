/** The part of Node-RED's embedding API that the runtime uses, typed. */
import type { EventEmitter } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createRequire } from "node:module";

/** A node of a flow as it is stored. */
export interface FlowNode {
  id: string;
  type: string;
  z?: string;
  /** The group that it is in. */
  g?: string;
  wires?: string[][];
  [property: string]: unknown;
}

export type Next = (error?: unknown) => void;

/** An Express application, seen as a plain handler. */
export type Handler = (req: IncomingMessage, res: ServerResponse, next: Next) => void;

export type DeployType = "full" | "nodes" | "flows" | "reload";

/** What is deployed by {@link NodeRed.runtime}. */
export interface DeployOptions {
  flows: { flows: FlowNode[]; credentials?: unknown };
  deploymentType: DeployType;
  user?: { username: string } | null;
  req?: unknown;
}

/** The module `node-red`. */
export interface NodeRed {
  init(server: Server, settings: Record<string, unknown>): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly httpAdmin: Handler;
  readonly httpNode: Handler;
  readonly events: EventEmitter;
  readonly version: string | (() => string);
  readonly nodes: {
    getType(type: string): unknown;
    /** A running node; `active` is what debug nodes have. */
    getNode(id: string): { type: string; active?: boolean } | null | undefined;
  };
  readonly runtime: {
    flows: {
      setFlows(options: DeployOptions): Promise<{ rev: string }>;
      /** The flows that run now. */
      getFlows(options: object): Promise<{ flows: FlowNode[] }>;
    };
  };
}

const require = createRequire(import.meta.url);

/** Loads Node-RED. Takes a third of a second: done while the flow store connects. */
export function loadNodeRed(): NodeRed {
  return require("node-red") as NodeRed;
}
