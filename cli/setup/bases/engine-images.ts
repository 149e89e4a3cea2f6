import { stripVTControlCharacters } from "node:util";
import { type Engine, isGone } from "../../engine/client.ts";
import { CliError } from "../../errors.ts";
import type { Note } from "../progress.ts";
import { KEY_LABEL } from "./pins.ts";

export type { Engine } from "../../engine/client.ts";

interface Progress {
  stream?: string;
  status?: string;
  error?: string;
}

/** Longest time for one image, in milliseconds. */
const BUILD_TIMEOUT = 300_000;

/** Reads the engine's answer to a build or an import to its end; an error in it is thrown. */
export async function pullOutput(
  engine: Engine,
  stream: NodeJS.ReadableStream,
  note: Note,
): Promise<void> {
  const lines: string[] = [];
  let failed: string | undefined;
  const seen = (event: Progress) => {
    failed ??= event.error;
    const text = lastLine(event.stream ?? event.status ?? "");
    if (text === "") return;
    if (lines.push(text) > 20) lines.shift();
    note(text);
  };
  const timer = setTimeout(() => {
    (stream as unknown as { destroy(error: Error): void }).destroy(new Error("took too long"));
  }, BUILD_TIMEOUT);
  try {
    await new Promise<void>((resolve, reject) => {
      stream.on("error", reject);
      engine.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()), seen);
    });
    // An error in the build comes as one of its lines, and the answer still ends well.
    if (failed !== undefined) throw new Error(failed);
  } catch (error) {
    throw new CliError({
      what: `a base image could not be made: ${(error as Error).message.slice(0, 300)}`,
      why: lines.join("\n"),
      fix: "run the command again; if it is a package mirror, look at apt-get update on this machine",
    });
  } finally {
    clearTimeout(timer);
  }
}

/** What a terminal would show of a line that is written over and over, without colours. */
const lastLine = (text: string): string =>
  stripVTControlCharacters(text).trim().split("\r").at(-1)?.trim() ?? "";

/** The content key that an image on the engine carries; undefined without image or key. */
export async function keyOf(engine: Engine, tag: string): Promise<string | undefined> {
  try {
    const image = await engine.getImage(tag).inspect();
    return image.Config?.Labels?.[KEY_LABEL];
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Builds a folder with the engine's classic builder, which needs nothing but the engine. */
export async function buildFolder(
  engine: Engine,
  folder: string,
  options: { tag: string; key: string; base: string },
  note: Note,
): Promise<void> {
  const src = ["."];
  const stream = await engine.buildImage(
    { context: folder, src },
    {
      t: options.tag,
      version: "1",
      rm: true,
      forcerm: true,
      buildargs: { BASE: options.base, ...proxyArguments() },
      labels: { [KEY_LABEL]: options.key },
    },
  );
  await pullOutput(engine, stream, note);
}

/** Proxy variables are build arguments that every Dockerfile knows and no image keeps. */
function proxyArguments(): Record<string, string> {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name] ?? process.env[name.toLowerCase()];
      return value ? [[name, value]] : [];
    }),
  );
}
