import { afterAll, beforeAll, expect, it } from "vitest";
import type { ImageId } from "../../components/target/types.ts";
import { platformImage } from "../support/image.ts";
import { Lab } from "../support/lab.ts";

const lab = new Lab("credentials");
beforeAll(() => lab.open());
afterAll(() => lab.close());

/** Runs a command with the cluster's folder for its secret, to its end. @returns what it printed */
async function run(image: ImageId, command: readonly string[], files?: Record<string, string>) {
  const container = await lab.start({
    ...{ name: "job", component: "job", user: 1000, command, image: await platformImage(image) },
    environment: {
      REDFLEET_SECRET_FILE: "/run/redfleet/credential-secret",
      REDFLEET_KEPT_FILE: "/credentials/secret",
    },
    shared: { credentials: "/credentials" },
    ...(files && { files }),
  });
  const { StatusCode: code } = await container.wait();
  const log = await lab.logs("job");
  expect(code, log).toBe(0);
  await lab.remove("job");
  return log;
}

const keep = (secret: string) =>
  run("agent", ["node", "/app/jobs/keep-secret.ts"], { "credential-secret": secret });

it("keeps a cluster's first secret in a volume that its runtimes can read", async () => {
  expect(await keep("the first")).toContain("secret-written");
  expect(await keep("another one")).toContain("secret-kept");
  const read = "process.stdout.write(require('node:fs').readFileSync('/credentials/secret'))";
  expect(await run("node-red-5", ["node", "-e", read])).toBe("the first");
});
