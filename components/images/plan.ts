import { sortedEntries } from "../../config/canonical.ts";
import type { TemplateConfig } from "../../config/sections/template.ts";
import type { ImageBuild, ImageId } from "../target/types.ts";
import type { BaseImages } from "./bases.ts";

/** The platform's image of a major version of Node-RED. */
export const runtimeImage = (nodeRed: 4 | 5): ImageId => `node-red-${nodeRed}`;

/** The image of a template's tenants. @param key the template's */
export function templateImage(key: string, { image, nodeRed }: TemplateConfig): ImageId {
  return image === undefined ? runtimeImage(nodeRed) : `template-${key}`;
}

/** The images that a stack's own templates make from the platform's. */
export function planTemplateImages(
  platform: string,
  templates: Readonly<Record<string, TemplateConfig>>,
): ImageBuild[] {
  return sortedEntries({ ...templates }).flatMap(([key, template]) => {
    const { image: context } = template;
    if (context === undefined) return [];
    const image = templateImage(key, template);
    const base = runtimeImage(template.nodeRed);
    return [{ id: `${platform}-image-${image}`, image, folder: image, context, args: {}, base }];
  });
}

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
