/** Debug messages of replicas in the editor's sidebar: whichever end this process is. */
import { connectValkey } from "../valkey/connection.ts";
import type { DebugEnd, DebugOptions } from "./channels.ts";
import { showDebug } from "./editor.ts";
import { sendDebug } from "./replica.ts";

/** Opens this process' end of the line; undefined where there is none: in tenants, and without Valkey. */
export function openDebug(options: DebugOptions): DebugEnd | undefined {
  const { config, name, log } = options;
  const { role, valkey } = config;
  if (valkey === undefined || role === "instance") return undefined;
  const heard = role === "editor" ? "messages" : "switches";
  const client = connectValkey(valkey, `${name}-debug`, log, { enableOfflineQueue: false });
  const subscriber = connectValkey(valkey, `${name}-debug-${heard}`, log);
  const line = { client, subscriber, prefix: valkey.prefix };
  const close = () => {
    client.disconnect();
    subscriber.disconnect();
  };
  if (role === "editor") return { adminMiddleware: showDebug(options, line), stop: close };
  const stopSending = sendDebug(options, line);
  return {
    stop: () => {
      stopSending();
      close();
    },
  };
}
