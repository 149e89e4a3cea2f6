import type { EngineClient } from "./engine/client.ts";
import { log, reason } from "./log.ts";
import type { Container, Observed } from "./model.ts";

/** The limit that a container's label asks for; undefined without a usable one. */
export function wantedPids(container: Container): number | undefined {
  const value = Number(container.labels["redfleet.pids"]);
  return Number.isInteger(value) && value > 0 ? value : undefined;
}

/** Applies `redfleet.pids`, which the provider has no field for, once for each container. */
export class PidsLimits {
  readonly #engine: EngineClient;
  /** Containers that are known to carry their limit. */
  #applied = new Map<string, number>();

  constructor(engine: EngineClient) {
    this.#engine = engine;
  }

  async apply(observed: Observed): Promise<void> {
    const ids = new Set(observed.containers.map((container) => container.id));
    this.#applied = new Map([...this.#applied].filter(([id]) => ids.has(id)));
    await Promise.all(observed.containers.map((container) => this.#limit(container)));
  }

  async #limit(container: Container): Promise<void> {
    const limit = wantedPids(container);
    if (limit === undefined || this.#applied.get(container.id) === limit) return;
    const path = `/containers/${container.id}`;
    try {
      const { HostConfig } = await this.#engine.call<{ HostConfig: { PidsLimit?: number | null } }>(
        { path: `${path}/json` },
      );
      if (HostConfig.PidsLimit !== limit) {
        const body = { PidsLimit: limit };
        await this.#engine.call({ method: "POST", path: `${path}/update`, body });
        log("info", "limited processes", { container: container.name, pids: limit });
      }
      this.#applied.set(container.id, limit);
    } catch (error) {
      const details = { container: container.name, pids: limit, reason: reason(error) };
      log("warn", "cannot limit processes", details);
    }
  }
}
