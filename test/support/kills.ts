import { startUp, type TestStack, up } from "./stack.ts";
import { pause } from "./wait.ts";

/**
 * Starts `up` and ends its whole process group with SIGKILL at a random second, that often; then
 * lets it finish.
 * @param within the latest second of a kill.
 * @returns seconds that the last, undisturbed `up` took.
 */
export async function killedUps(stack: TestStack, kills: number, within: number): Promise<number> {
  for (let kill = 0; kill < kills; kill += 1) {
    const second = Math.random() * within;
    const running = startUp(stack);
    const ended = running.finished.then(() => "ended");
    const outcome = await Promise.race([ended, pause(second * 1000).then(() => "killed")]);
    running.kill("SIGKILL");
    const { code, output } = await running.finished;
    process.stdout.write(`  kill ${kill + 1}: after ${second.toFixed(1)} s, ${outcome}\n`);
    if (outcome === "ended" && code !== 0) throw new Error(`up failed by itself:\n${output}`);
  }
  return (await up(stack)).seconds;
}
