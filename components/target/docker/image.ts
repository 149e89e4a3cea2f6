import * as docker from "@pulumi/docker";
import { imageTag } from "../../images/digest.ts";
import type { ImageBuild, Owner } from "../types.ts";

/**
 * Builds an image on the engine. The tag is a digest of what goes in, so it is built again exactly when
 * something changed. `RemoteImage` because every build of the provider has it; the engine's own builder,
 * because a builder container would have to be pulled. Old images stay: a roll-back finds them.
 */
export function makeImage(owner: Owner, plan: Omit<ImageBuild, "image">): docker.RemoteImage {
  return new docker.RemoteImage(
    plan.id,
    {
      name: imageTag(plan.folder, plan.args),
      build: {
        context: `images/${plan.folder}`,
        buildArgs: { ...plan.args },
        useLegacyBuilder: true,
      },
      keepLocally: true,
    },
    // The provider deletes first by default, and with the image everything that runs it, all at once. Built
    // first, its containers follow one by one while the others go on.
    { parent: owner, deleteBeforeReplace: false },
  );
}
