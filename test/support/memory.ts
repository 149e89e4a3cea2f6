import { family, pssMb } from "../bench/proc.ts";
import { runningOf } from "./containers.ts";

/** Memory of a running stack: proportional set sizes of every process in its containers, in MB. */
export async function memoryOf(stack: string): Promise<{ name: string; mb: number }[]> {
  const parts = [];
  for (const container of await runningOf(stack)) {
    const mb = family(container.State.Pid).reduce((sum, pid) => sum + pssOf(pid), 0);
    parts.push({ name: container.Name.slice(1), mb });
  }
  return parts;
}

/** A health check's process may end between the listing and the look. */
function pssOf(pid: number): number {
  try {
    return pssMb(pid);
  } catch {
    return 0;
  }
}
