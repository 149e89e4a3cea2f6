import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { engine } from "./engine.ts";

/** A registry of images on the loopback, where an engine asks without TLS. It serves what is published to it. */
export interface ImageRegistry {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  /** Publishes the files and settings of an image on the engine under names, each as `name:tag`. */
  publish(image: string, names: readonly string[]): Promise<void>;
  /** Paths that were asked for, in order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

interface Content {
  readonly type: string;
  readonly bytes: Buffer;
}

const DOCKER = "application/vnd.docker";
const MANIFEST = `${DOCKER}.distribution.manifest.v2+json`;

const digestOf = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** All files of an image, as one archive. */
async function filesOf(image: string): Promise<Buffer> {
  const container = await engine.createContainer({ Image: image, Cmd: ["-"] });
  try {
    return await buffer(await container.export());
  } finally {
    await container.remove();
  }
}

/** An image of one layer with the same files and settings. */
async function pack(image: string): Promise<{ manifest: Content; blobs: Content[] }> {
  const layer = await filesOf(image);
  const {
    Architecture: architecture,
    Os: os,
    Config: config,
  } = await engine.getImage(image).inspect();
  const rootfs = { type: "layers", diff_ids: [digestOf(layer)] };
  const settings = Buffer.from(JSON.stringify({ architecture, os, config, rootfs, history: [{}] }));
  const blobs = [
    { type: `${DOCKER}.container.image.v1+json`, bytes: settings },
    { type: `${DOCKER}.image.rootfs.diff.tar.gzip`, bytes: layer },
  ];
  const [configuration, ...layers] = blobs.map(({ type, bytes }) => ({
    ...{ mediaType: type, size: bytes.length, digest: digestOf(bytes) },
  }));
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config: configuration, layers };
  return { manifest: { type: MANIFEST, bytes: Buffer.from(JSON.stringify(manifest)) }, blobs };
}

/** Starts a registry: the part of the distribution protocol that a pull needs. */
export async function startImageRegistry(): Promise<ImageRegistry> {
  const contents = new Map<string, Content>([
    ["/v2/", { type: "application/json", bytes: Buffer.from("{}") }],
  ]);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    serve(request, response, contents.get(request.url ?? ""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    publish: async (image, names) => {
      const { manifest, blobs } = await pack(image);
      for (const full of names) {
        const [name, tag] = full.split(":");
        contents.set(`/v2/${name}/manifests/${tag}`, manifest);
        contents.set(`/v2/${name}/manifests/${digestOf(manifest.bytes)}`, manifest);
        for (const blob of blobs) contents.set(`/v2/${name}/blobs/${digestOf(blob.bytes)}`, blob);
      }
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  found: Content | undefined,
): void {
  response.setHeader("Docker-Distribution-Api-Version", "registry/2.0");
  if (found === undefined) {
    const errors = [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }];
    response.writeHead(404, { "Content-Type": "application/json" }).end(JSON.stringify({ errors }));
    return;
  }
  response.writeHead(200, {
    ...{ "Content-Type": found.type, "Content-Length": found.bytes.length },
    "Docker-Content-Digest": digestOf(found.bytes),
  });
  response.end(request.method === "HEAD" ? undefined : found.bytes);
}
