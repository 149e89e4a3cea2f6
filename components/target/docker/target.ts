import { DOCKER_FEATURES } from "../features.ts";
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
} from "../types.ts";
import { type EngineSocket, makeJob, makeWorkload } from "./container.ts";
import { makeImage } from "./image.ts";
import { makeNetwork } from "./network.ts";
import { Registry } from "./registry.ts";
import { makeRoute, makeVolume } from "./volume.ts";

/** Docker on one machine. */
export class DockerTarget implements Target {
  readonly features = DOCKER_FEATURES;
  readonly #registry = new Registry();
  readonly #socket: EngineSocket;

  constructor(socket: EngineSocket) {
    this.#socket = socket;
  }

  network(owner: Owner, plan: Network): Placed {
    return { ready: this.#registry.networks.add(plan.name, makeNetwork(owner, plan)) };
  }

  volume(owner: Owner, plan: Volume): Placed {
    return { ready: this.#registry.volumes.add(plan.name, makeVolume(owner, plan)) };
  }

  image(owner: Owner, plan: ImageBuild): Placed {
    return { ready: this.#registry.images.add(plan.image, makeImage(owner, plan)) };
  }

  workload(owner: Owner, plan: Workload, needs: Needs = []): Placed {
    return makeWorkload(owner, plan, this.#registry, this.#socket, needs);
  }

  job(owner: Owner, plan: Job, needs: Needs = []): Placed {
    return makeJob(owner, plan, this.#registry, needs);
  }

  expose(owner: Owner, plan: Exposure): Placed {
    return { ready: makeRoute(owner, plan) };
  }
}
