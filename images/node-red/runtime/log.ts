/** Structured logs: one JSON object a line on stdout. */
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

/** Writes entries up to `level` to stdout; `base` is part of each. */
export function createLogger(level: LogLevel, base: Fields): Logger {
  const limit = ORDER.indexOf(level);
  const write = (at: LogLevel, msg: string, fields: Fields = {}) => {
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

/** Message of anything that was thrown; connection strings lose their password. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\/\/[^/@\s]*@/g, "//***@");
}
