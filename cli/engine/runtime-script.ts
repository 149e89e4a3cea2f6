import { CliError } from "../errors.ts";
import { connectedEngine, type Engine } from "./client.ts";
import { exec } from "./exec.ts";
import type { Part } from "./part.ts";
import { selectParts } from "./select.ts";
import { readStack } from "./view.ts";

/** The flow store may be failing over. */
const ANSWER_MS = 40_000;

/** What is asked of a cluster's or tenant's own runtime. */
export interface RuntimeQuestion {
  /** File in `images/node-red/runtime`. */
  readonly script: string;
  readonly words: readonly string[];
  /** Text for its standard input: what no process list shall show. */
  readonly input?: string;
  /** The way out when it refuses. */
  readonly fix: string;
}

/**
 * Asks the container that edits the flows: it has the store's address, password and keys.
 * @throws CliError with what it answers when it refuses
 */
export async function askRuntime<T>(
  stack: string,
  name: string,
  { script, words, input, fix }: RuntimeQuestion,
): Promise<T> {
  const docker = await connectedEngine();
  const { name: container } = await editorOf(docker, stack, name);
  const command = ["node", `/app/runtime/${script}`, ...words];
  const { stdout, stderr } = await exec(docker, container, command, ANSWER_MS, input);
  const answer = parse<T | { error: string }>(stdout);
  if (answer === undefined) {
    throw new CliError({
      what: `${container} did not answer`,
      why: stderr.trim() || stdout.trim() || "it printed nothing",
      fix: `redfleet logs ${container}`,
    });
  }
  if (!(answer instanceof Object && "error" in answer)) return answer;
  throw new CliError({ what: answer.error, fix });
}

async function editorOf(docker: Engine, stack: string, name: string): Promise<Part> {
  const parts = selectParts(await readStack(docker, stack), name);
  const found = parts.find(({ component }) => component === "editor" || component === "tenant");
  if (found?.status === "running") return found;
  throw new CliError({
    what: found ? `${found.name} is ${found.status}` : `"${name}" is no cluster or tenant`,
    why: "a cluster's editor, or a tenant's runtime, knows its store",
    fix: `redfleet status --stack ${stack}`,
  });
}

/** The last line is the answer. */
function parse<T>(stdout: string): T | undefined {
  try {
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  } catch {
    return undefined;
  }
}
