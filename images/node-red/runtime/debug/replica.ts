/** Sends what a replica's debug nodes, warnings and errors say to the editor's sidebar. */
import type { Redis } from "ioredis";
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
import { RateLimit } from "./limit.ts";

/** A person reads a few a second; a flow under load says thousands. */
const PER_SECOND = 20;
const BURST = 100;
const REPORT_MS = 1000;
const MAX_BYTES = 64 * 1024;
const WARN = 30;

/** Starts to send, until what it returns is called. What cannot be sent at once is lost: debugging never holds a flow up. */
export function sendDebug(options: DebugOptions, line: DebugLine): () => void {
  const stopSpeaking = speak(options, line.client, messagesOf(line.prefix));
  const stopFollowing = follow(options, line);
  return () => {
    stopSpeaking();
    stopFollowing();
  };
}

function speak({ config, red }: DebugOptions, client: Redis, channel: string): () => void {
  const limit = new RateLimit(PER_SECOND, BURST);
  const publish = (message: DebugMessage) => {
    const text = JSON.stringify(named(message, config.worker));
    client.publish(channel, text).catch(() => {});
  };
  const said = ({ topic, data }: { topic: string; data: DebugMessage }) => {
    if (topic === TOPIC && limit.take()) publish(fitting(data));
  };
  const report = () => {
    const count = limit.takeRefused();
    if (count > 0) publish(notice(`${count} messages left out: at most ${PER_SECOND} a second`));
  };
  red.events.on("comms", said);
  const timer = setInterval(report, REPORT_MS);
  timer.unref();
  return () => {
    red.events.off("comms", said);
    clearInterval(timer);
  };
}

/** Keeps debug nodes as they are in the editor, once the revision runs that they were switched in. */
function follow(options: DebugOptions, { client, subscriber, prefix }: DebugLine): () => void {
  const { status } = options;
  const key = switchesOf(prefix);
  let switches: DebugSwitches | undefined;
  const apply = () => {
    if (switches !== undefined) applySwitches(options, switches);
  };
  const take = (text: string | null) => {
    if (text !== null) switches = parse<DebugSwitches>(text) ?? switches;
    apply();
  };
  const read = () => void client.get(key).then(take, () => {});
  subscriber.on("message", (_, text: string) => take(text));
  // What was switched while nobody listened.
  subscriber.on("ready", () => void subscriber.subscribe(key).then(read, () => {}));
  client.on("ready", read);
  status.on("change", apply);
  return () => status.off("change", apply);
}

/** The sidebar shows the name beside the time; without one, the node's id. */
function named(message: DebugMessage, worker: string): DebugMessage {
  return { ...message, name: `[${worker}] ${message.name || message.id}`.trim() };
}

function fitting(message: DebugMessage): DebugMessage {
  const bytes = Buffer.byteLength(message.msg ?? "");
  if (bytes <= MAX_BYTES) return message;
  const { id, z, _alias, path, name, topic, property } = message;
  const place = { id, z, _alias, path, name, topic, property } as Partial<DebugMessage>;
  const kilobytes = Math.round(bytes / 1024);
  return { ...place, ...notice(`${kilobytes} KB left out: at most ${MAX_BYTES / 1024} KB`), id };
}

const notice = (msg: string): DebugMessage => ({
  ...{ id: "", msg, format: `string[${msg.length}]`, level: WARN },
});
