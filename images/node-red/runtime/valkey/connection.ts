/** Connections to Valkey or Redis: one server, or whichever the Sentinels say is primary. */
import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { Redis, type RedisOptions } from "ioredis";
import type { ValkeySettings } from "../environment.ts";
import type { Logger } from "../log.ts";

/** A server that does not answer at all counts as gone after this, in milliseconds. */
const SILENCE_MS = 2000;
const CONNECT_MS = 1000;

const retry = (attempt: number) => Math.min(50 * attempt, 500);

/** A client that never ends by itself: it connects again for ever. */
const LASTING = {
  connectTimeout: CONNECT_MS,
  socketTimeout: SILENCE_MS,
  maxRetriesPerRequest: null,
  retryStrategy: retry,
} satisfies RedisOptions;

/** With a file for the authority, what it holds at this moment: it is renewed while processes run. */
function tlsOf({ tls }: ValkeySettings): ConnectionOptions | undefined {
  if (tls === undefined) return undefined;
  const { caFile, ...given } = tls;
  if (caFile === undefined) return given;
  return {
    ...given,
    get ca() {
      return readFileSync(caFile, "utf8");
    },
  };
}

function placeOf(
  { sentinels, server, ...settings }: ValkeySettings,
  tls: ConnectionOptions | undefined,
): RedisOptions {
  if (sentinels === undefined) return { host: server?.host, port: server?.port };
  return {
    sentinels: sentinels.map(({ host, port }) => ({ host, port })),
    name: settings.masterName ?? "redfleet",
    sentinelUsername: settings.sentinelUsername,
    sentinelPassword: settings.sentinelPassword,
    sentinelTLS: tls,
    enableTLSForSentinelMode: tls !== undefined,
    sentinelRetryStrategy: retry,
    sentinelCommandTimeout: CONNECT_MS,
    // ioredis' own detector ends the client for good when a switch meets a reconnect.
    failoverDetector: false,
  };
}

/** A client that follows the primary for ever. It never emits an unhandled error. */
export function connectValkey(
  settings: ValkeySettings,
  name: string,
  log: Logger,
  more: RedisOptions = {},
): Redis {
  const tls = tlsOf(settings);
  const client = new Redis({
    ...placeOf(settings, tls),
    username: settings.username,
    password: settings.password,
    db: settings.database ?? 0,
    tls,
    connectionName: name,
    ...LASTING,
    // A primary that was demoted: ask the Sentinels again.
    reconnectOnError: (error) => (error.message.startsWith("READONLY") ? 1 : false),
    ...more,
  });
  tell(client, name, log);
  return client;
}

/** A client of one Sentinel, for questions that may fail: none waits longer than a second for its answer. */
export function connectSentinel(
  settings: ValkeySettings,
  at: { readonly host: string; readonly port: number },
  name: string,
  log: Logger,
): Redis {
  const client = new Redis({
    ...{ host: at.host, port: at.port, tls: tlsOf(settings) },
    username: settings.sentinelUsername,
    password: settings.sentinelPassword,
    connectionName: name,
    ...LASTING,
    commandTimeout: CONNECT_MS,
    // One that is away answers at once that it is: every save asks.
    enableOfflineQueue: false,
  });
  tell(client, `${name} ${at.host}:${at.port}`, log);
  return client;
}

/** Says once that a server is away, and once that it is back; no error of a client is left without a listener. */
function tell(client: Redis, name: string, log: Logger): void {
  let down = false;
  client.on("error", (error: Error) => {
    if (!down) log.warn("valkey is not reached", { client: name, reason: error.message });
    down = true;
  });
  client.on("ready", () => {
    if (down) log.info("valkey is reached again", { client: name });
    down = false;
  });
}

/** True for failures that go away by themselves: a failover, a restart, a network that was cut. */
export function isPassing(error: unknown): boolean {
  const text = error instanceof Error ? error.message : String(error);
  return !/^(WRONGPASS|NOAUTH|NOPERM|WRONGTYPE|OOM|ERR|NOSCRIPT)\b/.test(text);
}
