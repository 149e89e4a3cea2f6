/** Fields that a reader of `redfleet logs` has before his eyes anyway, or that repeat others. */
const KNOWN = new Set([
  ...["time", "t", "level", "s", "msg", "message", "event"],
  ...["stack", "component", "name", "worker", "job", "source"],
  ...["c", "id", "svc", "ctx", "truncated", "size"],
]);

/**
 * A structured log line as a sentence: `warn cannot limit processes container=x`. Knows the lines of
 * our own programs and of mongod; anything else stays as it is.
 */
export function readable(line: string): string {
  if (!line.startsWith("{")) return line;
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line);
  } catch {
    return line;
  }
  const message = fields.msg ?? fields.message ?? fields.event;
  if (message === undefined) return line;
  const rest = Object.entries(fields).filter(([key]) => !KNOWN.has(key));
  const level = String(fields.level ?? fields.s ?? "").padEnd(5);
  return [level, String(message), ...rest.map(([key, value]) => `${key}=${show(value)}`)].join(" ");
}

/** Words as they are, everything else as JSON. */
function show(value: unknown): string {
  return typeof value === "string" && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}

/** Lines that end a crash without saying anything: blank ones, stack frames, Node's version. */
const NOISE = /^\s*$|^\s+at |^Node\.js v\d|^\s*\^+\s*$|^[{}\]]+$/;

/** The line of a program's last words that tells most: the newest error, or simply the newest line. */
export function telling(lines: readonly string[]): string {
  const speaking = lines.filter((line) => !NOISE.test(line));
  return readable(speaking.findLast((line) => /error|fatal/i.test(line)) ?? speaking.at(-1) ?? "");
}
