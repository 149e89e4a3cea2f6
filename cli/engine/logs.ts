import { createInterface } from "node:readline";
import { PassThrough, type Readable } from "node:stream";
import type { Engine } from "./client.ts";

/** One line of a container's output. */
export interface LogLine {
  /** The engine's RFC 3339 time stamp with nanoseconds: sorts as text. */
  time: string;
  text: string;
}

/** Splits what the engine writes with `timestamps`: `2026-01-01T00:00:00.000000000Z text`. */
export function parseLogLine(line: string): LogLine {
  const at = line.indexOf(" ");
  return at < 0 ? { time: line, text: "" } : { time: line.slice(0, at), text: line.slice(at + 1) };
}

/** The newest lines of a container, oldest first. */
export async function readLogs(docker: Engine, id: string, tail: number): Promise<LogLine[]> {
  const output = await docker
    .getContainer(id)
    .logs({ stdout: true, stderr: true, timestamps: true, tail, follow: false });
  return demultiplex(output).split("\n").filter(Boolean).map(parseLogLine);
}

/** Removes the 8-byte frame headers (stream, 3 zeros, length) that the engine puts in between. */
export function demultiplex(output: Buffer): string {
  const frames: Buffer[] = [];
  for (let at = 0; at + 8 <= output.length; ) {
    const end = at + 8 + output.readUInt32BE(at + 4);
    frames.push(output.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(frames).toString("utf8");
}

/** Lines as they come, after the time stamp `since`, until the container ends or the signal. */
export async function* followLogs(
  docker: Engine,
  id: string,
  since: string,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const stream = (await docker.getContainer(id).logs({
    stdout: true,
    stderr: true,
    timestamps: true,
    follow: true,
    since: Math.floor(Date.parse(since) / 1000),
  })) as Readable;
  const lines = new PassThrough();
  docker.modem.demuxStream(stream, lines, lines);
  stream.once("end", () => lines.end());
  stream.once("error", () => lines.end());
  signal.addEventListener("abort", () => stream.destroy(), { once: true });
  stream.once("close", () => lines.end());
  for await (const line of createInterface({ input: lines })) {
    const parsed = parseLogLine(line);
    if (parsed.time > since) yield parsed;
  }
}
