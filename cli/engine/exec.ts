import { PassThrough, type Readable } from "node:stream";
import type { Engine } from "./client.ts";

/** Outcome of a command inside a container. */
export interface ExecResult {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a command in a running container and captures what it prints; default limit 10 s.
 * @param input text for its standard input; default: none
 */
export async function exec(
  docker: Engine,
  container: string,
  command: readonly string[],
  timeoutMs = 10_000,
  input?: string,
): Promise<ExecResult> {
  const streams = { AttachStdin: input !== undefined, AttachStdout: true, AttachStderr: true };
  const run = await docker.getContainer(container).exec({ Cmd: [...command], ...streams });
  const stream = await run.start({ hijack: true, stdin: input !== undefined });
  if (input !== undefined) stream.end(input);
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  docker.modem.demuxStream(stream, stdout, stderr);
  const timer = setTimeout(() => stream.destroy(new Error(`${command[0]}: timed out`)), timeoutMs);
  const texts = Promise.all([textOf(stdout), textOf(stderr)]);
  try {
    await finished(stream);
  } finally {
    clearTimeout(timer);
    stdout.end();
    stderr.end();
  }
  const [out, err] = await texts;
  return { code: (await run.inspect()).ExitCode ?? -1, stdout: out, stderr: err };
}

function finished(stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once("end", resolve);
    stream.once("close", resolve);
    stream.once("error", reject);
  });
}

async function textOf(stream: Readable): Promise<string> {
  let text = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream) text += chunk;
  return text;
}
