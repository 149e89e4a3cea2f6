import type * as port from "./types.ts";

/** One call to the port, in order. */
export interface Realised {
  readonly verb: Exclude<keyof port.Target, "prepare">;
  readonly plan: { readonly id: string };
  /** Ids of what has to be there before. */
  readonly needs: readonly string[];
}

/** A target that only remembers what it was asked for: components are tested without an engine. */
export class MemoryTarget implements port.Target {
  readonly realised: Realised[] = [];
  readonly #ids = new Map<port.Placed, string>();

  prepare(): void {}

  network(owner: port.Owner, plan: port.Network): port.Placed {
    return this.#record(owner, "network", plan);
  }

  volume(owner: port.Owner, plan: port.Volume): port.Placed {
    return this.#record(owner, "volume", plan);
  }

  image(owner: port.Owner, plan: port.ImageBuild): port.Placed {
    return this.#record(owner, "image", plan);
  }

  workload(owner: port.Owner, plan: port.Workload, needs: port.Needs = []): port.Placed {
    return this.#record(owner, "workload", plan, needs);
  }

  job(owner: port.Owner, plan: port.Job, needs: port.Needs = []): port.Placed {
    return this.#record(owner, "job", plan, needs);
  }

  expose(owner: port.Owner, plan: port.Exposure): port.Placed {
    return this.#record(owner, "expose", plan);
  }

  #record(
    owner: port.Owner,
    verb: Realised["verb"],
    plan: Realised["plan"],
    needs: port.Needs = [],
  ): port.Placed {
    const placed = { ready: owner };
    this.#ids.set(placed, plan.id);
    const before = needs.map((one) => this.#ids.get(one) ?? "somebody else's");
    this.realised.push({ verb, plan, needs: before });
    return placed;
  }
}
