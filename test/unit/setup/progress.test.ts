import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const PROGRESS = fileURLToPath(new URL("../../../cli/setup/progress.ts", import.meta.url));

/** A step that tells two lines and lasts long enough to be shown. */
const SCRIPT = `
import { step } from ${JSON.stringify(PROGRESS)};
await step("Tools", async (note) => {
  note("Setting up mmdebstrap");
  note("debconf: delaying package configuration, since apt-utils is not installed");
  await new Promise((resolve) => setTimeout(resolve, 1000));
});`;

test("a step tells what it is at, and nothing of terminals that packages miss", () => {
  const args = ["--input-type=module-typescript", "-e", SCRIPT];
  const { stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 });
  expect(stderr).toContain("… Tools: Setting up mmdebstrap\n");
  expect(stderr).not.toContain("debconf");
}, 60_000);
