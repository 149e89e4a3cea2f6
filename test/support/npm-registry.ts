import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { tar } from "./tar.ts";

/** A package to serve. */
export interface TestPackage {
  readonly name: string;
  readonly version: string;
  /** Beside name and version. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly files?: Readonly<Record<string, string>>;
}

/** Requests that wait for their answers. */
export interface Hold {
  /** Resolves when the first one is there. */
  readonly asked: Promise<void>;
  release(): void;
}

/** A private npm registry: TLS with a certificate of its own, and a token. */
export interface NpmRegistry {
  readonly url: string;
  readonly port: number;
  /** Its certificate authority, PEM. */
  readonly ca: string;
  readonly token: string;
  publish(entry: TestPackage): void;
  /** From now on it answers nothing but 503. */
  breakDown(broken: boolean): void;
  /** From now on it lets requests wait, until they are let go. */
  hold(): Hold;
  /** Tarballs that were fetched, in order. */
  readonly fetched: readonly string[];
  close(): Promise<void>;
}

function openHold(): Hold & { wait(): Promise<void> } {
  let [first, end] = [() => {}, () => {}];
  const asked = new Promise<void>((resolve) => {
    first = resolve;
  });
  const released = new Promise<void>((resolve) => {
    end = resolve;
  });
  const wait = () => {
    first();
    return released;
  };
  return { asked, release: () => end(), wait };
}

interface Published extends TestPackage {
  readonly tarball: Buffer;
}

const TOKEN = "a-token-for-the-registry";

function certificate(address: string): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), "redfleet-registry-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const names = ["-subj", "/CN=registry", "-addext", `subjectAltName=IP:${address}`];
  const files = ["-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", ...curve, ...names, ...files], { stdio: "ignore" });
  const pair = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  rmSync(folder, { recursive: true });
  return pair;
}

function pack(entry: TestPackage): Published {
  const { name, version, manifest = {}, files = {} } = entry;
  const all = { "package.json": JSON.stringify({ name, version, ...manifest }), ...files };
  const content = Object.entries(all).map(([path, text]) => ({
    ...{ name: `package/${path}`, content: text, owner: 0, mode: 0o644 },
  }));
  return { ...entry, tarball: gzipSync(tar(content)) };
}

const fileOf = ({ name, version }: TestPackage) => `${name.split("/").at(-1)}-${version}.tgz`;

function packument(url: string, name: string, versions: readonly Published[]) {
  const described = versions.map((entry) => {
    const integrity = createHash("sha512").update(entry.tarball).digest("base64");
    const dist = { tarball: `${url}${name}/-/${fileOf(entry)}`, integrity: `sha512-${integrity}` };
    return [entry.version, { name, version: entry.version, ...entry.manifest, dist }];
  });
  const latest = versions.at(-1)?.version;
  return { name, "dist-tags": { latest }, versions: Object.fromEntries(described) };
}

/** Where a registry listens, and where others see it. */
interface NpmRegistryPlace {
  /** Default: the loopback. */
  readonly listen?: string;
  /** The address in its URLs and its certificate, with the same port. Default: where it listens. */
  readonly seen?: string;
}

/** Starts a registry with nothing in it. */
export async function startNpmRegistry({
  listen = "127.0.0.1",
  seen = listen,
}: NpmRegistryPlace = {}): Promise<NpmRegistry> {
  const packages = new Map<string, Published[]>();
  const fetched: string[] = [];
  const pair = certificate(seen);
  let broken = false;
  let held: ReturnType<typeof openHold> | undefined;
  let url = "";

  const answer = (res: ServerResponse, path: string) => {
    const [name = "", file] = decodeURIComponent(path).split("/-/");
    const versions = packages.get(name);
    if (versions === undefined) return res.writeHead(404).end("{}");
    if (file === undefined) return res.end(JSON.stringify(packument(url, name, versions)));
    fetched.push(file);
    return res.end(versions.find((entry) => fileOf(entry) === file)?.tarball);
  };
  const server = createServer(pair, async (req, res) => {
    await held?.wait();
    if (broken) res.writeHead(503).end();
    else if (req.headers.authorization !== `Bearer ${TOKEN}`) res.writeHead(401).end("{}");
    else answer(res, (req.url ?? "/").slice("/npm/".length).split("?")[0] ?? "");
  });
  await new Promise<void>((resolve) => server.listen(0, listen, resolve));
  const { port } = server.address() as AddressInfo;
  url = `https://${seen}:${port}/npm/`;
  return {
    ...{ url, port, ca: pair.cert, token: TOKEN, fetched },
    publish: (entry) => {
      packages.set(entry.name, [...(packages.get(entry.name) ?? []), pack(entry)]);
    },
    breakDown: (value) => {
      broken = value;
    },
    hold: () => {
      held = openHold();
      return held;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
