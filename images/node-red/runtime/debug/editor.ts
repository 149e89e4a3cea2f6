/** Shows what replicas say in the editor's sidebar, and hands the switches of debug nodes on to them. */
import type { Redis } from "ioredis";
import { reasonOf } from "../log.ts";
import type { Handler } from "../node-red.ts";
import {
  applySwitches,
  type DebugLine,
  type DebugMessage,
  type DebugOptions,
  type DebugSwitches,
  messagesOf,
  parse,
  switchesOf,
  TOPIC,
} from "./channels.ts";

/** Starts to listen. The handler has to see the admin API's requests pass. */
export function showDebug(options: DebugOptions, line: DebugLine): Handler {
  listen(options, line.subscriber, messagesOf(line.prefix));
  return switching(options, line.client, switchesOf(line.prefix));
}

function listen({ red }: DebugOptions, subscriber: Redis, channel: string): void {
  void subscriber.subscribe(channel).catch(() => {});
  subscriber.on("message", (_, text: string) => {
    const data = parse<DebugMessage>(text);
    if (data === undefined) return;
    // Said before the replica heard that it was switched off.
    const node = red.nodes.getNode(data.id);
    if (node?.type === TOPIC && !data.level && node.active === false) return;
    red.events.emit("comms", { topic: TOPIC, data });
  });
}

/** Sees the requests that switch debug nodes pass, and tells the replicas. */
function switching(options: DebugOptions, client: Redis, key: string): Handler {
  const { red, status, log } = options;
  let switches: DebugSwitches = { revision: -1, nodes: {} };
  const tell = async () => {
    const text = JSON.stringify(switches);
    await client.set(key, text);
    await client.publish(key, text);
  };
  const failed = (error: unknown) =>
    log.warn("replicas were not told of a debug node", { reason: reasonOf(error) });
  // At first none is switched here, so none shall be in the replicas; later what was not told while nothing was connected.
  client.on("ready", () => tell().catch(failed));
  // A deploy is answered before its nodes have started: a switch until then went to those that it replaces.
  red.events.on("flows:started", () => applySwitches(options, switches));
  return (req, res, next) => {
    res.once("finish", () => {
      const change = res.statusCode < 300 ? switchIn(req) : undefined;
      if (change === undefined) return;
      const revision = status.revision ?? 0;
      // A deploy brings the state of every node with it.
      const before = switches.revision === revision ? switches.nodes : {};
      switches = { revision, nodes: { ...before, ...change } };
      tell().catch(failed);
    });
    next();
  };
}

const ROUTE = /^\/debug\/(?:(?<id>[^/]+)\/)?(?<state>enable|disable)$/;

type AdminRequest = Parameters<Handler>[0] & {
  originalUrl?: string;
  body?: { nodes?: string[] };
};

/** The debug nodes that a request switched: one in its path, or several in its body. */
function switchIn(request: AdminRequest): DebugSwitches["nodes"] | undefined {
  const { originalUrl = request.url, body, method } = request;
  const path = originalUrl?.split("?")[0] ?? "";
  const { id, state } = ROUTE.exec(path)?.groups ?? {};
  if (method !== "POST" || state === undefined) return undefined;
  const nodes = id === undefined ? (body?.nodes ?? []) : [id];
  return Object.fromEntries(nodes.map((node) => [node, state === "enable"]));
}
