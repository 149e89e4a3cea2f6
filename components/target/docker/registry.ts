import type * as docker from "@pulumi/docker";
import type { MadeImage } from "./image.ts";

/** What was made so far, by its name on the engine: plans name things, the target finds them. */
export class Registry {
  readonly networks = new Named<docker.Network>("network");
  readonly volumes = new Named<docker.Volume>("volume");
  readonly images = new Named<MadeImage>("image");
}

class Named<T> {
  readonly #kind: string;
  readonly #made = new Map<string, T>();

  constructor(kind: string) {
    this.#kind = kind;
  }

  add(name: string, resource: T): T {
    this.#made.set(name, resource);
    return resource;
  }

  get(name: string): T {
    const found = this.#made.get(name);
    if (found === undefined)
      throw new Error(`a plan names the ${this.#kind} ${name} before it is made`);
    return found;
  }
}
