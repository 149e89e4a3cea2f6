/** What replicas and their editor tell each other about debug nodes, through Valkey. */
import type { Redis } from "ioredis";
import type { RuntimeConfig } from "../environment.ts";
import type { Logger } from "../log.ts";
import type { Handler, NodeRed } from "../node-red.ts";
import type { Status } from "../status.ts";

/** What the sidebar shows; made by Node-RED's debug node, which has encoded the value already. */
export interface DebugMessage {
  /** The node, or "" where none spoke. */
  readonly id: string;
  readonly name?: string;
  readonly msg: string;
  /** Type of the value, as `string[5]`. */
  readonly format?: string;
  /** Set for warnings and errors: Node-RED's log level. */
  readonly level?: number;
  readonly [property: string]: unknown;
}

/** Debug nodes that were switched on or off in the editor since a revision was deployed. */
export interface DebugSwitches {
  readonly revision: number;
  /** Node → on or off. */
  readonly nodes: Readonly<Record<string, boolean>>;
}

export interface DebugOptions {
  readonly config: RuntimeConfig;
  readonly red: NodeRed;
  readonly status: Status;
  /** Name of the connections. */
  readonly name: string;
  readonly log: Logger;
}

/** The two connections of an end: one says, and one that listens can do nothing else. */
export interface DebugLine {
  /** Says nothing while it is not connected. */
  readonly client: Redis;
  readonly subscriber: Redis;
  /** Start of the cluster's keys and channels. */
  readonly prefix: string;
}

/** One end of the line. */
export interface DebugEnd {
  /** For the editor's settings: sees the admin API's requests pass. */
  readonly adminMiddleware?: Handler;
  stop(): void;
}

/** Topic of the editor's debug sidebar. */
export const TOPIC = "debug";

/** Switches the debug nodes that run here, when they are of the revision that they were switched in. */
export function applySwitches(
  { red, status }: Pick<DebugOptions, "red" | "status">,
  { revision, nodes }: DebugSwitches,
): void {
  if (revision !== status.revision) return;
  for (const [id, active] of Object.entries(nodes)) {
    const node = red.nodes.getNode(id);
    if (node?.type === TOPIC) node.active = active;
  }
}

/** Channel of a cluster's messages: what nobody hears is lost. */
export const messagesOf = (prefix: string) => `${prefix}debug:messages`;
/** Channel and key of its {@link DebugSwitches}: who comes later reads them. */
export const switchesOf = (prefix: string) => `${prefix}debug:switches`;

/** A message that was published; undefined for what this version cannot read. */
export function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
