import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../../support/process.ts";

test.each(["first-user", "revisions", "user"])(
  "%s loads, and ends for want of an environment with the code that the image's build expects",
  (name) => {
    const script = join(ROOT, "images/node-red/runtime", `${name}.ts`);
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
      ...{ env: {}, encoding: "utf8" },
    });
    expect(status, stderr).toBe(78);
    expect(stdout + stderr).toContain("the environment is wrong");
  },
  60_000,
);
