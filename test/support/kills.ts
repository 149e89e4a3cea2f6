import type { Finished, Running } from "./process.ts";
import type { Draw } from "./random.ts";
import { redfleet, startUp, succeeded, type TestStack, up } from "./stack.ts";
import { pause } from "./wait.ts";

/** Exit code of what SIGKILL has ended. */
const KILLED = 137;

/** Something that is killed half-way. */
export interface Killable {
  /** Starts it in a process group of its own. */
  start(): Running;
  /** Takes back what it does, so that there is something to be killed again. */
  undo(): Promise<unknown>;
}

/**
 * Ends a whole process group with SIGKILL at a random second. A run that has ended before was not
 * killed: it is undone, and another moment drawn.
 * @param within the latest second of the kill
 * @returns seconds that the killed run has worked
 * @throws when a run fails by itself
 */
export async function killOnce(what: Killable, draw: Draw, within: number): Promise<number> {
  for (let latest = within; ; ) {
    const second = draw.between(0, latest);
    const running = what.start();
    const ended = running.finished.then(() => undefined);
    await Promise.race([ended, pause(second * 1000)]);
    running.kill("SIGKILL");
    const finished = await running.finished;
    const outcome = finished.code === KILLED ? `killed at: ${lastLine(finished)}` : "had ended";
    process.stdout.write(`  seed ${draw.seed}: after ${second.toFixed(1)} s, ${outcome}\n`);
    if (finished.code === KILLED) return finished.seconds;
    succeeded(finished);
    latest = Math.min(latest, finished.seconds);
    await what.undo();
  }
}

/** What it was doing: the last thing that it told. */
function lastLine({ output }: Finished): string {
  const lines = output.split("\n").map((line) => line.trim());
  return lines.filter(Boolean).at(-1) ?? "the start";
}

/**
 * Kills an `up` that often, then lets it finish.
 * @returns seconds that the last, undisturbed `up` took.
 */
export async function killedUps(
  stack: TestStack,
  kills: number,
  within: number,
  draw: Draw,
): Promise<number> {
  const start = () => startUp(stack);
  const undo = async () => succeeded(await redfleet(stack, ["down"], { seconds: 300 }));
  for (let kill = 0; kill < kills; kill += 1) await killOnce({ start, undo }, draw, within);
  return (await up(stack)).seconds;
}
