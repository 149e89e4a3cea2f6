import { join } from "node:path";
import type { BaseImages } from "../../../components/images/bases.ts";
import { ROOT } from "../../context.ts";

/** Debian release that all images stand on, in both modes. */
export const SUITE = "trixie";

/** Names of the base images in `.redfleet/bases.json`. */
export type BaseName = keyof BaseImages;

/** The look-alikes that are built from packages where none answers. */
export const OFFLINE: Record<BaseName, string> = {
  debian: `redfleet-base/debian:${SUITE}`,
  node: "redfleet-base/node:24",
  nodeBuild: "redfleet-base/node-build:24",
  valkey: "redfleet-base/valkey:8.1",
  haproxy: "redfleet-base/haproxy:3.0",
  mongodb: "redfleet-base/mongodb:6.0",
};

/** Label that holds the content key of a base image. */
export const KEY_LABEL = "redfleet.base.key";

/** Folder of one base image's Dockerfile and other inputs. */
export const imageFolder = (name: string): string => join(ROOT, "tools", "images", name);
