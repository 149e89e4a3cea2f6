import { pulumi, type TestStack } from "./stack.ts";

/**
 * Makes Pulumi forget a test stack whose objects are gone from the engine, so that the next run
 * starts from nothing whatever the last one left.
 */
export async function forget(stack: TestStack): Promise<void> {
  const listed = await pulumi(stack, ["stack", "ls", "--json"]);
  const known: { name: string }[] = listed.code === 0 ? JSON.parse(listed.stdout) : [];
  if (!known.some((entry) => entry.name === stack.name)) return;
  await pulumi(stack, ["stack", "rm", "--yes", "--force", "--preserve-config"]);
}
