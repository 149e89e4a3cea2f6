import type { Engine } from "../engine/client.ts";
import type { Explanation } from "../errors.ts";
import { foreignDataOf } from "../pulumi/owner.ts";
import { type Check, fail } from "./check.ts";

/** A failure for what is another clone's on the engine. */
export const foreign = (name: string, { what, why, fix }: Explanation): Check =>
  fail(name, `${what}\n${why}`, fix ?? "");

/** Data whose passwords and keys are in another clone: `up` would refuse it. Nothing to say when there is none. */
export async function checkData(docker: Engine, stack: string): Promise<Check[]> {
  const problem = await foreignDataOf(docker, stack);
  return problem ? [foreign("data", problem)] : [];
}
