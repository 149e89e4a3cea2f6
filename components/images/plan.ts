import type { ImageBuild, ImageId } from "../target/types.ts";
import type { BaseImages } from "./bases.ts";

/**
 * Every image of the platform. All templates' runtimes are built whether a tenant uses them or not: the
 * first tenant of a template then makes no image, only what is its own.
 */
export function planImages(platform: string, bases: BaseImages): ImageBuild[] {
  const build = (image: ImageId, folder: string, args: Record<string, string>): ImageBuild => ({
    id: `${platform}-image-${image}`,
    image,
    folder,
    args,
  });
  const node = { NODE_BASE: bases.node, NODE_BUILD: bases.nodeBuild };
  return [
    build("mongodb", "mongodb", { BASE: bases.mongodb }),
    build("valkey", "valkey", { BASE: bases.valkey }),
    build("edge", "edge", { BASE: bases.haproxy }),
    build("agent", "agent", node),
    build("node-red-4", "node-red", { ...node, NODE_RED: "4" }),
    build("node-red-5", "node-red", { ...node, NODE_RED: "5" }),
  ];
}
