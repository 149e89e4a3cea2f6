import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { CertificateFolder } from "../../support/certificates.ts";
import { ROOT } from "../../support/process.ts";

const MAIN = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));
const DEV = fileURLToPath(new URL("../../../Pulumi.dev.yaml", import.meta.url));
/** A busy machine starts processes slowly. */
const TIMEOUT = 60_000;
const BAD = `config:
  redfleet:platform:
    domain: https://example.org
    dev: true
    target: { kind: docker }
    tenants:
      A_b: { template: nodered-5 }
      acme: { template: no-such }
`;

const folder = mkdtempSync(join(tmpdir(), "redfleet-validate-"));
const certificates = new CertificateFolder();
afterAll(() => {
  rmSync(folder, { recursive: true });
  certificates.remove();
});

/** Runs `redfleet validate` where neither an engine nor Pulumi can be reached. */
function validate(args: readonly string[], input = "", cwd = ROOT) {
  const env = { DOCKER_HOST: "unix:///var/tmp/redfleet-nobody.sock", NO_COLOR: "1", PATH: "" };
  const options = { encoding: "utf8", env, input, cwd } as const;
  return spawnSync(process.execPath, [MAIN, "validate", ...args], options);
}

test("a file that is right is told so", { timeout: TIMEOUT }, () => {
  const own = validate([]);
  expect(own.stderr).toBe("");
  expect(own).toMatchObject({
    status: 0,
    stdout: 'Pulumi.dev.yaml is valid for the stack "dev"\n',
  });
  expect(JSON.parse(validate([DEV, "--json"]).stdout)).toEqual({
    ...{ file: "Pulumi.dev.yaml", stack: "dev", valid: true, problems: [] },
  });
});

test("all that is wrong is told at once, with exit code 1", { timeout: TIMEOUT }, () => {
  const file = join(folder, "Pulumi.data.yaml");
  writeFileSync(file, BAD);
  const { status, stderr, stdout } = validate([file]);
  expect(status).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^error: \d problems in Pulumi\.data\.yaml\n/);
  const codes = ["DOMAIN", "NAME", "TEMPLATE", "STACK_NAME"].map((code) => `REDFLEET_CFG_${code}`);
  for (const code of codes) expect(stderr).toContain(`[${code}]`);

  const document = validate([file, "--json"]);
  expect(document.status).toBe(1);
  const result = JSON.parse(document.stdout) as { valid: boolean; problems: { code: string }[] };
  expect(result.valid).toBe(false);
  expect(result.problems.map(({ code }) => code)).toEqual(expect.arrayContaining(codes));
});

test("files are below the project, wherever the command runs", { timeout: TIMEOUT }, async () => {
  const given = await certificates.issue("edge", ["*.fleet.test"]);
  const below = (file: string) => relative(ROOT, file);
  const platform = {
    ...{ domain: "fleet.test", dev: true, target: { kind: "docker" } },
    ...{ clusters: {}, tenants: { acme: { template: "own" } } },
    edge: { tls: { mode: "files", certificate: below(given.certificate), key: below(given.key) } },
    registry: { url: "https://npm.fleet.test", ca: below(given.authority) },
    templates: { own: { nodeRed: 5, image: "test/support/workshop" } },
  };
  const text = stringify({ config: { "redfleet:platform": platform } });
  const { status, stderr } = validate(["-"], text, certificates.path);
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

test("standard input is a file, too", { timeout: TIMEOUT }, () => {
  const { status, stderr } = validate(["-", "--stack", "other"], BAD);
  expect(status).toBe(1);
  expect(stderr).toContain("problems in standard input\n");
  expect(stderr).not.toContain("REDFLEET_CFG_STACK_NAME");
});

test("a file that is not there is no problem of a stack file", { timeout: TIMEOUT }, () => {
  const missing = validate([join(folder, "none.yaml")]);
  expect(missing.status).toBe(2);
  expect(missing.stderr).toContain("none.yaml cannot be read");
  const nobody = validate(["--stack", "nobody"]);
  expect(nobody.status).toBe(1);
  expect(nobody.stderr).toContain("error: there is no stack file Pulumi.nobody.yaml");
});
