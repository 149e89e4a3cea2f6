/** Structured logs: one JSON object a line on stdout. */
import { format } from "node:util";
import type { LogLevel } from "./environment.ts";

export type Fields = Record<string, unknown>;

/** A logger with fixed fields. */
export interface Logger {
  error(msg: string, fields?: Fields): void;
  warn(msg: string, fields?: Fields): void;
  info(msg: string, fields?: Fields): void;
  debug(msg: string, fields?: Fields): void;
}

const ORDER: LogLevel[] = ["error", "warn", "info", "debug"];

/** Entries since the start of the process, also those below the limit. */
export const logged: Record<LogLevel, number> = { error: 0, warn: 0, info: 0, debug: 0 };

/** Writes entries up to `level` to stdout; `base` is part of each. */
export function createLogger(level: LogLevel, base: Fields): Logger {
  const limit = ORDER.indexOf(level);
  const write = (at: LogLevel, msg: string, fields: Fields = {}) => {
    logged[at] += 1;
    if (ORDER.indexOf(at) > limit) return;
    const entry = { time: new Date().toISOString(), level: at, ...base, msg, ...fields };
    process.stdout.write(`${JSON.stringify(entry)}\n`);
  };
  return {
    error: (msg, fields) => write("error", msg, fields),
    warn: (msg, fields) => write("warn", msg, fields),
    info: (msg, fields) => write("info", msg, fields),
    debug: (msg, fields) => write("debug", msg, fields),
  };
}

/** Sends what modules print, and Node's own warnings, the same way: a log has one form. */
export function captureOutput(log: Logger): void {
  const levels = { log: "info", info: "info", debug: "debug", trace: "debug" } as const;
  for (const [method, level] of Object.entries({ ...levels, warn: "warn", error: "error" })) {
    const say = log[level as LogLevel];
    Object.assign(console, {
      [method]: (...args: unknown[]) => say(format(...args), { source: "console" }),
    });
  }
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message }) => log.warn(message, { source: "node", name }));
}

/** What ioredis says, for those who write code with it, of a command without a connection and of one that lost it. */
const NO_CONNECTION =
  /Stream isn't writeable and enableOfflineQueue options is false|Reached the max retries per request limit.*/;

/** Message of anything that was thrown; connection strings lose their password. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text
    .replace(/\/\/[^/@\s]*@/g, "//***@")
    .replace(NO_CONNECTION, "there is no connection to it at the moment");
}
