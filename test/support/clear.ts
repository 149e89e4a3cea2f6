import { rmSync } from "node:fs";
import { sweep } from "./engine.ts";
import { pulumi, stackFile, type TestStack } from "./stack.ts";

/** Removes whatever an earlier run has left of a test stack: objects, state and stack file. */
export async function clear(stack: TestStack): Promise<void> {
  await sweep((labels) => labels?.["redfleet.stack"] === stack.name);
  await forget(stack);
  rmSync(stackFile(stack), { force: true });
}

/** Makes Pulumi forget a stack whose objects are gone from the engine. */
async function forget(stack: TestStack): Promise<void> {
  const listed = await pulumi(stack, ["stack", "ls", "--json"]);
  const known: { name: string }[] = listed.code === 0 ? JSON.parse(listed.stdout) : [];
  if (!known.some((entry) => entry.name.split("/").at(-1) === stack.name)) return;
  await pulumi(stack, ["stack", "rm", "--yes", "--force", "--preserve-config"]);
}
