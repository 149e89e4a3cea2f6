import { type BaseImages, OFFICIAL_BASES } from "../../../components/images/bases.ts";
import type { Engine } from "../../engine/client.ts";
import { CliError } from "../../errors.ts";

/** A registry's host, which a dot, a port or the word localhost tells from a folder, and folders in it. */
const MIRROR =
  /^(localhost(:\d+)?|[a-z0-9-]+(:\d+|(\.[a-z0-9-]+)+(:\d+)?))(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/;
/** Longest wait for a mirror's answer, in milliseconds. */
const TIMEOUT = 15_000;

/** @throws when a text names no registry. */
export function checkedMirror(text: string): string {
  if (MIRROR.test(text)) return text;
  throw new CliError({
    what: `REDFLEET_IMAGES is "${text}"`,
    why: 'it is "registry", "offline" or a mirror of Docker Hub as host[:port][/folder], in lower case, without https://',
    fix: "for example REDFLEET_IMAGES=mirror.example.org:5000/hub npm run up",
  });
}

/** The official images under the names that they have in a mirror of Docker Hub. */
export function mirroredBases(mirror: string): BaseImages {
  const names = Object.entries(OFFICIAL_BASES).map(([name, official]) => {
    const full = official.includes("/") ? official : `library/${official}`;
    return [name, `${mirror}/${full}`];
  });
  return Object.fromEntries(names) as BaseImages;
}

/** Sees to it that the engine reaches every image in a mirror. @throws naming all that it does not. */
export async function checkMirror(engine: Engine, mirror: string): Promise<void> {
  const names = [...new Set(Object.values(mirroredBases(mirror)))];
  const problems = await Promise.all(names.map((name) => problemOf(engine, name)));
  const missing = problems.filter((problem) => problem !== undefined);
  if (missing.length === 0) return;
  throw new CliError({
    what: `the image mirror ${mirror} does not have all base images`,
    why: missing.join("\n"),
    fix: "make the mirror serve them to everybody who may reach it, or set REDFLEET_IMAGES=offline",
  });
}

/** Asks for an image's manifest the way that a pull would go. */
async function problemOf(engine: Engine, name: string): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, TIMEOUT, `${name}: no answer within ${TIMEOUT / 1000} s`);
  });
  const asked = engine
    .getImage(name)
    .distribution()
    .then(
      () => undefined,
      (error: Error) => `${name}: ${error.message}`,
    );
  return Promise.race([asked, tooLate]).finally(() => clearTimeout(timer));
}
