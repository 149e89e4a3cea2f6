import { join } from "node:path";
import { ROOT } from "../../context.ts";

/** Debian release that all images stand on, in both modes. */
export const SUITE = "trixie";

/** Names of the base images in `.redfleet/bases.json`. */
export type BaseName = "debian" | "node" | "nodeBuild" | "valkey" | "haproxy" | "mongodb";

/** Which base image each name means where an image registry answers. */
export const OFFICIAL: Record<BaseName, string> = {
  debian: "debian:trixie-slim",
  node: "node:24-trixie-slim",
  nodeBuild: "node:24-trixie-slim",
  valkey: "valkey/valkey:8.1",
  haproxy: "haproxy:3.0",
  mongodb: "mongo:6.0",
};

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
