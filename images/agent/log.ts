/** Severity of a log line. */
export type Level = "info" | "warn" | "error";

/** Writes one JSON object per line to standard output: what happened and why. */
export function log(level: Level, message: string, details: Record<string, unknown> = {}): void {
  const line = { time: new Date().toISOString(), level, component: "agent", message, ...details };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** The text of anything that was thrown. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
