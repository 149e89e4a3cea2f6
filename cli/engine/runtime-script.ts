import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { ownEngine } from "../pulumi/owner.ts";
import { exec } from "./exec.ts";
import { observePart } from "./observe.ts";
import type { Part } from "./part.ts";
import { selectParts, withoutContainer } from "./select.ts";
import { inspectPart, readStack, type StackView } from "./view.ts";

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
  const docker = await ownEngine(stack);
  const editor = editorOf(await readStack(docker, stack), name);
  const command = ["node", `/app/runtime/${script}`, ...words];
  const { stdout, stderr } = await exec(docker, editor.name, command, ANSWER_MS, input).catch(
    (error: Error) => ({ stdout: "", stderr: error.message }),
  );
  const answer = parse<T | Refusal>(stdout);
  if (answer === undefined) {
    const said = stderr.trim() || stdout.trim() || "it printed nothing";
    const [now] = await inspectPart(docker, editor.name);
    throw explainSilence(stack, editor, now, said);
  }
  if (!(answer instanceof Object && "error" in answer)) return answer;
  throw new CliError({ what: answer.error, fix: answer.fix ?? fix });
}

/** What a runtime's command answers when it refuses. */
interface Refusal {
  readonly error: string;
  /** Absent where the caller knows the way out. */
  readonly fix?: string;
}

/**
 * The container that edits the flows of a cluster or tenant.
 * @throws CliError when there is none, or when it does not run now
 */
export function editorOf(view: StackView, name: string): Part {
  const parts = selectParts(view, name);
  const found = parts.find(({ component }) => component === "editor" || component === "tenant");
  if (found?.status === "running") return found;
  if (found) throw notRunning(view.stack, found);
  const route = view.routes.find(({ key }) => key === name);
  if (route) throw withoutContainer(view.stack, route, `the editor of the cluster "${name}"`);
  throw new CliError({
    what: `"${name}" is no cluster or tenant`,
    why: "a cluster's editor, or a tenant's runtime, knows its store",
    fix: redfleet("status", view.stack),
  });
}

function notRunning(stack: string, part: Part): CliError {
  const { state, reason } = observePart(part);
  if (part.status === "restarting") return restarts(stack, part.name, reason);
  return new CliError({
    what: `${part.name} does not run`,
    why: reason || state,
    fix:
      part.status === "paused"
        ? `docker unpause ${part.name}`
        : redfleet(`restart ${part.name}`, stack),
  });
}

const restarts = (stack: string, container: string, why: string): CliError =>
  new CliError({
    what: `${container} restarts`,
    why,
    fix: `run the command again in some seconds; ${redfleet("status", stack)} says when it runs`,
  });

/**
 * Why a container of a stack did not answer.
 * @param before as it was when it was asked
 * @param now as it is; undefined when it is gone
 * @param said what came in the place of an answer
 */
export function explainSilence(
  stack: string,
  before: Part,
  now: Part | undefined,
  said: string,
): CliError {
  const again = (why: string) => restarts(stack, before.name, why);
  if (now === undefined) return again("it was removed, or replaced by another one");
  if (now.status !== "running") return again(observePart(now).reason);
  if (now.startedAt !== before.startedAt) return again("it has just started again");
  return new CliError({
    what: `${now.name} did not answer`,
    why: said,
    fix: redfleet(`logs ${now.name}`, stack),
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
