import { paint } from "../output.ts";

/** Handed to a running step: tells what it is at. */
export type Note = (detail: string) => void;

/** A step shows up at its start only when it is still running after this time. */
const QUIET_MS = 700;
/** A long step repeats that it lives, with the newest detail. */
const HEARTBEAT_MS = 20_000;
/** What package managers say about having no terminal. */
const NOISE = /^\s*(debconf|dpkg-preconfigure|update-alternatives): /;

/** One plain line on standard error: standard output is for results. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Runs a step of the set-up and reports it with its time. */
export async function step<T>(title: string, work: (note: Note) => Promise<T>): Promise<T> {
  const started = Date.now();
  let detail = "";
  let shown = false;
  const show = () => {
    say(`  ${paint("dim", "…")} ${title}${detail ? `: ${detail.slice(0, 100)}` : ""}`);
    shown = true;
  };
  const first = setTimeout(show, QUIET_MS);
  const beat = setInterval(show, HEARTBEAT_MS);
  try {
    const result = await work((text) => {
      if (!NOISE.test(text)) detail = text.trim();
    });
    const note = typeof result === "string" && result ? ` (${result})` : "";
    say(`  ${paint("green", "✓")} ${title}${note}${shown ? ` ${seconds(started)}` : ""}`);
    return result;
  } catch (error) {
    say(`  ${paint("red", "✗")} ${title} ${seconds(started)}`);
    throw error;
  } finally {
    clearTimeout(first);
    clearInterval(beat);
  }
}

/** Time since a moment, as `12.3 s`. */
export function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
