import * as docker from "@pulumi/docker";
import { imageTag } from "../../images/digest.ts";
import type { ImageBuild, Owner } from "../types.ts";

/** An image that is built, and its name on the engine. */
export interface MadeImage {
  readonly resource: docker.RemoteImage;
  readonly tag: string;
}

/**
 * Builds an image on the engine. The tag is a digest of what goes in, so it is built again exactly when
 * something changed. `RemoteImage` because every build of the provider has it; the engine's own builder,
 * because a builder container would have to be pulled. Old images stay: a roll-back finds them.
 * @param base the image that it is made from, where that is one of the platform's
 */
export function makeImage(
  owner: Owner,
  plan: Omit<ImageBuild, "image" | "base">,
  base?: MadeImage,
): MadeImage {
  const { folder, context } = plan;
  // Its tag, not an output of it: policies see names before anything is made.
  const args = base === undefined ? plan.args : { ...plan.args, BASE: base.tag };
  const tag = imageTag(folder, args, ".", context);
  const resource = new docker.RemoteImage(
    plan.id,
    {
      name: tag,
      build: {
        context: context ?? `images/${folder}`,
        buildArgs: { ...args },
        useLegacyBuilder: true,
      },
      keepLocally: true,
    },
    // The provider deletes first by default, and with the image everything that runs it, all at once. Built
    // first, its containers follow one by one while the others go on.
    { parent: owner, deleteBeforeReplace: false, dependsOn: base?.resource },
  );
  return { resource, tag };
}
