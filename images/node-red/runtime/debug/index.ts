/** Debug messages of replicas in the editor's sidebar: whichever end this process is. */
import type { DebugEnd, DebugOptions } from "./channels.ts";
import { showDebug } from "./editor.ts";
import { sendDebug } from "./replica.ts";

/** Opens this process' end of the line; undefined where there is none: in tenants, and without Valkey. */
export function openDebug(options: DebugOptions): DebugEnd | undefined {
  const { role, valkey } = options.config;
  if (valkey === undefined || role === "instance") return undefined;
  return role === "editor" ? showDebug(options, valkey) : sendDebug(options, valkey);
}
