import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBases } from "../../components/images/bases.ts";
import { Clone } from "../support/clone.ts";
import { engine } from "../support/engine.ts";
import { type ImageRegistry, startImageRegistry } from "../support/image-registry.ts";
import { testName } from "../support/names.ts";
import { capture, ROOT } from "../support/process.ts";

const STACK = { name: testName("mirror"), domain: "mirror.localhost", https: 1, http: 2 };
/** The official images under the names that Docker Hub knows them by. */
const OFFICIAL = {
  debian: "library/debian:trixie-slim",
  node: "library/node:24-trixie-slim",
  nodeBuild: "library/node:24-trixie-slim",
  valkey: "valkey/valkey:8.1",
  haproxy: "library/haproxy:3.0",
  mongodb: "library/mongo:6.0",
};

let registry: ImageRegistry;
let clone: Clone;
let mirror: string;

beforeAll(async () => {
  [registry, clone] = await Promise.all([startImageRegistry(), Clone.make(STACK)]);
  mirror = `${registry.host}/hub`;
});
afterAll(async () => {
  clone?.close();
  await registry?.close();
});

/** The set-up of a fresh clone as far as its images, and the build of one on its base; prints the tag. */
function setUp(env: Readonly<Record<string, string>>) {
  const script = `
    import { ensureBases } from "./cli/setup/bases/index.ts";
    import { platformImage } from "./test/support/image.ts";
    import { engine } from "./test/support/engine.ts";
    await ensureBases(engine);
    process.stdout.write("image " + (await platformImage("edge")));`;
  const command = ["--input-type=module", "--eval", script];
  return capture(process.execPath, command, { cwd: clone.directory, env, seconds: 120 });
}

const recorded = () => JSON.parse(readFileSync(clone.path(".redfleet/bases.json"), "utf8"));

describe("a mirror of the image registry", () => {
  it("is refused while it lacks an image, with all that it lacks", async () => {
    const { code, output } = await setUp({ REDFLEET_IMAGES: mirror });
    expect(code).not.toBe(0);
    expect(output).toContain(`the image mirror ${mirror} does not have all base images`);
    expect(registry.asked).toContain("/v2/hub/library/mongo/manifests/6.0");
  });

  it("gives every image its base, for good", async () => {
    const names = Object.values(OFFICIAL).map((name) => `hub/${name}`);
    await registry.publish(readBases(ROOT).haproxy, names);
    const { code, stdout, output } = await setUp({ REDFLEET_IMAGES: mirror });
    expect(code, output).toBe(0);
    const mirrored = Object.entries(OFFICIAL).map(([name, official]) => [
      name,
      `${mirror}/${official}`,
    ]);
    const bases = { mode: "registry", mirror, ...Object.fromEntries(mirrored) };
    expect(recorded()).toEqual(bases);
    expect(
      registry.asked.filter((path) => path.startsWith("/v2/hub/library/haproxy/blobs/")),
    ).not.toEqual([]);
    const [, image = ""] = /^image (\S+)$/m.exec(stdout) ?? [];
    const before = registry.asked.length;
    const again = await setUp({});
    expect(again.stdout).toContain(`image ${image}`);
    expect(recorded()).toEqual(bases);
    expect(registry.asked.length).toBe(before);
    await engine.getImage(image).remove({ force: true });
    await engine.getImage(bases.haproxy).remove({ force: true });
  });
});
