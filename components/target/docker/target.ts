import type * as port from "../types.ts";
import { type EngineSocket, makeJob, makeWorkload } from "./container.ts";
import { FILES_IMAGE, makeFilesImage } from "./files.ts";
import { makeImage } from "./image.ts";
import { makeNetwork } from "./network.ts";
import { Registry } from "./registry.ts";
import { makeRoute, makeVolume } from "./volume.ts";

/** Docker on one machine. */
export class DockerTarget implements port.Target {
  readonly #registry = new Registry();
  readonly #socket: EngineSocket;

  constructor(socket: EngineSocket) {
    this.#socket = socket;
  }

  prepare(owner: port.Owner, platform: string): void {
    this.#registry.images.add(FILES_IMAGE, makeFilesImage(owner, platform));
  }

  network(owner: port.Owner, plan: port.Network): port.Placed {
    return { ready: this.#registry.networks.add(plan.name, makeNetwork(owner, plan)) };
  }

  volume(owner: port.Owner, plan: port.Volume): port.Placed {
    return { ready: this.#registry.volumes.add(plan.name, makeVolume(owner, plan)) };
  }

  image(owner: port.Owner, plan: port.ImageBuild): port.Placed {
    const { images } = this.#registry;
    const base = plan.base === undefined ? undefined : images.get(plan.base);
    return { ready: images.add(plan.image, makeImage(owner, plan, base)).resource };
  }

  workload(owner: port.Owner, plan: port.Workload, needs: port.Needs = []): port.Placed {
    return makeWorkload(owner, plan, this.#registry, this.#socket, needs);
  }

  job(owner: port.Owner, plan: port.Job, needs: port.Needs = []): port.Placed {
    return makeJob(owner, plan, this.#registry, needs);
  }

  expose(owner: port.Owner, plan: port.Exposure): port.Placed {
    return { ready: makeRoute(owner, plan) };
  }
}
