import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { capture, ROOT } from "../../support/process.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "redfleet-secret-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the job that keeps a cluster's credential secret. */
async function keep(secret: string) {
  writeFileSync(join(folder, "given"), secret);
  const env = {
    REDFLEET_SECRET_FILE: join(folder, "given"),
    REDFLEET_KEPT_FILE: join(folder, "secret"),
  };
  return capture(process.execPath, [join(ROOT, "images/agent/jobs/keep-secret.ts")], { env });
}

test("the first secret stays, whatever is given later", async () => {
  const first = await keep("of the stack at first");
  expect(first.code, first.output).toBe(0);
  expect(first.output).toContain("secret-written");
  const second = await keep("made again after a removal");
  expect(second.code, second.output).toBe(0);
  expect(second.output).toContain("secret-kept");
  expect(readFileSync(join(folder, "secret"), "utf8")).toBe("of the stack at first");
  expect(statSync(join(folder, "secret")).mode & 0o777).toBe(0o400);
  expect(readdirSync(folder).sort()).toEqual(["given", "secret"]);
  expect(first.output + second.output).not.toMatch(/at first|made again/);
});

test("a run that was killed before the secret had its name leaves nothing in the way", async () => {
  writeFileSync(join(folder, "secret.new"), "ha", { mode: 0o400 });
  expect((await keep("whole")).code).toBe(0);
  expect(readFileSync(join(folder, "secret"), "utf8")).toBe("whole");
});

test("without a secret nothing is kept", async () => {
  const { code, output } = await keep("");
  expect(code).toBe(1);
  expect(output).toContain("is empty");
  expect(readdirSync(folder)).toEqual(["given"]);
});
