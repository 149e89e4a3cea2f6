import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { run, tryRun, which } from "./exec.ts";
import type { Note } from "./progress.ts";

/** One repository of the machine's own apt configuration. */
export interface AptSource {
  uri: string;
  suite: string;
  components: string[];
}

/** Reads both of apt's formats: one-line (`deb [options] uri suite components`) and deb822. */
export function parseAptSources(text: string): AptSource[] {
  return /^(Types|URIs):/im.test(text) ? parseDeb822(text) : parseOneLine(text);
}

function parseOneLine(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split("\n")) {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (!match) continue;
    const [, uri = "", suite = "", rest = ""] = match;
    sources.push({ uri, suite, components: words(rest) });
  }
  return sources;
}

function parseDeb822(text: string): AptSource[] {
  const visible = text.replaceAll(/^#.*\n?/gm, "");
  return visible.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) => {
      const match = new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, "im").exec(stanza);
      return words(match?.[1] ?? "");
    };
    if (!field("Types").includes("deb") || /^no$/i.test(field("Enabled")[0] ?? "")) return [];
    const components = field("Components");
    return field("URIs").flatMap((uri) =>
      field("Suites").map((suite) => ({ uri, suite, components })),
    );
  });
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

/** Every repository that the machine's apt is configured with. */
export function hostSources(directory = "/etc/apt"): AptSource[] {
  const parts = join(directory, "sources.list.d");
  const listed = (path: string) => {
    try {
      return readdirSync(path).filter((name) => /\.(list|sources)$/.test(name));
    } catch {
      return [];
    }
  };
  const files = [
    join(directory, "sources.list"),
    ...listed(parts).map((name) => join(parts, name)),
  ];
  return files.flatMap((file) => {
    try {
      return parseAptSources(readFileSync(file, "utf8"));
    } catch {
      return [];
    }
  });
}

/**
 * The repositories of another Debian release, on the mirrors that the machine itself uses.
 * A mirror with security updates is told by its `-security` suite.
 */
export function mirrorsFor(suite: string, sources: readonly AptSource[]): string[] {
  const debian = /^(?:buster|bullseye|bookworm|trixie|forky|sid|stable|testing|oldstable)/;
  const ours = sources.filter((s) => debian.test(s.suite) && s.components.includes("main"));
  const plain = ours.find((source) => !source.suite.includes("-"));
  const security = ours.find((source) => source.suite.includes("-security"));
  if (!plain) {
    throw new CliError({
      what: "no Debian mirror found in this machine's apt configuration",
      why: "base images are put together from Debian packages where no image registry answers",
      fix: "run on Debian, or give the machine access to an image registry or a mirror of one",
    });
  }
  const lines = [`deb ${plain.uri} ${suite} main`, `deb ${plain.uri} ${suite}-updates main`];
  if (security) lines.push(`deb ${security.uri} ${suite}-security main`);
  return lines;
}

/** The proxy that the machine's apt uses, as options for another apt. */
export async function aptProxyOptions(): Promise<string[]> {
  const dump = await tryRun("apt-config", ["dump", "--format", "%f %v%n"], { timeoutSeconds: 10 });
  return dump.stdout
    .split("\n")
    .filter((line) => /^Acquire::https?::Proxy /.test(line) && !/ (DIRECT)?$/.test(line))
    .map((line) => line.replace(/^(\S+) (.*)$/, '$1 "$2"'));
}

/** Installs the packages whose program is missing: `{program: package}`. Needs root and apt. */
export async function installMissing(wanted: Record<string, string>, note: Note): Promise<string> {
  const packages = new Set<string>();
  for (const [program, name] of Object.entries(wanted)) {
    if (!(await whichSystem(program))) packages.add(name);
  }
  if (packages.size === 0) return "there already";
  const names = [...packages];
  await assertCanInstall(names);
  note(`apt: ${names.join(" ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const lock = ["-o", "DPkg::Lock::Timeout=300"];
  const options = { env, timeoutSeconds: 600, onLine: note, survives: true };
  // An apt that was killed in the middle leaves packages unpacked: this finishes them.
  await tryRun("dpkg", ["--configure", "-a"], options);
  await tryRun("apt-get", [...lock, "update"], options);
  const install = ["install", "-y", "--no-install-recommends", ...names];
  await run("apt-get", [...lock, ...install], options);
  return `installed ${names.join(" ")}`;
}

/** As `which`, but also where only root's PATH looks. */
export async function whichSystem(program: string): Promise<string | undefined> {
  return (await which(program)) ?? (await which(`/usr/sbin/${program}`));
}

async function assertCanInstall(names: readonly string[]): Promise<void> {
  const command = `apt-get install --no-install-recommends ${names.join(" ")}`;
  if (!(await which("apt-get"))) {
    throw new CliError({
      what: `missing on this machine: ${names.join(" ")}`,
      why: "only Debian and Ubuntu are set up without help",
      fix: "install them with this system's package manager, then run the command again",
    });
  }
  if (process.getuid?.() !== 0) {
    throw new CliError({
      what: `missing on this machine: ${names.join(" ")}`,
      why: "installing packages needs root",
      fix: `sudo ${command}`,
    });
  }
}
