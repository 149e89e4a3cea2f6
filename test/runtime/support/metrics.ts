import type { Runtime } from "./runtime.ts";

/** What a runtime's /metrics says of the metric `redfleet_<name>`. @throws when it has none. */
export async function metric({ health }: Pick<Runtime, "health">, name: string): Promise<number> {
  const text = await (await fetch(`${health}/metrics`)).text();
  const found = new RegExp(`^redfleet_${name}\\{.*\\} (\\S+)$`, "m").exec(text);
  if (found === null) throw new Error(`no metric ${name}: ${text}`);
  return Number(found[1]);
}
