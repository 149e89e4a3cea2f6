import { MEMORY_FEATURES } from "./features.ts";
import type {
  Exposure,
  ImageBuild,
  Job,
  Needs,
  Network,
  Owner,
  Placed,
  Target,
  Volume,
  Workload,
} from "./types.ts";

/** One call to the port, in order. */
export type Realised =
  | { readonly verb: "network"; readonly plan: Network }
  | { readonly verb: "volume"; readonly plan: Volume }
  | { readonly verb: "image"; readonly plan: ImageBuild }
  | { readonly verb: "workload"; readonly plan: Workload }
  | { readonly verb: "job"; readonly plan: Job }
  | { readonly verb: "expose"; readonly plan: Exposure };

/** A target that only remembers what it was asked for: components are tested without an engine. */
export class MemoryTarget implements Target {
  readonly features = MEMORY_FEATURES;
  readonly realised: Realised[] = [];

  network(owner: Owner, plan: Network): Placed {
    return this.#record(owner, { verb: "network", plan });
  }

  volume(owner: Owner, plan: Volume): Placed {
    return this.#record(owner, { verb: "volume", plan });
  }

  image(owner: Owner, plan: ImageBuild): Placed {
    return this.#record(owner, { verb: "image", plan });
  }

  workload(owner: Owner, plan: Workload, _needs: Needs = []): Placed {
    return this.#record(owner, { verb: "workload", plan });
  }

  job(owner: Owner, plan: Job, _needs: Needs = []): Placed {
    return this.#record(owner, { verb: "job", plan });
  }

  expose(owner: Owner, plan: Exposure): Placed {
    return this.#record(owner, { verb: "expose", plan });
  }

  #record(owner: Owner, call: Realised): Placed {
    this.realised.push(call);
    return { ready: owner };
  }
}
