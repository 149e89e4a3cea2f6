import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plainUserDir, startHardillb } from "../runtime/support/old-systems.ts";
import { addressOf, runningOf } from "../support/containers.ts";
import { credentialProbe, type FlowNode, tab } from "../support/flows.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { E2E, redfleet, succeeded } from "../support/stack.ts";
import { until } from "../support/wait.ts";

const CREDENTIAL = { user: "robot", password: "carried over" };
const EXPECTED = `Basic ${btoa(`${CREDENTIAL.user}:${CREDENTIAL.password}`)}`;
const FUNCTION = "tools/double";

/** `GET /secret` answers the credential that a node has; `root` is where its own runtime serves flows. */
const flows = (root: string): FlowNode[] => [
  tab("old"),
  ...credentialProbe("old", "secret", "/secret", `http://127.0.0.1:1880${root}`, CREDENTIAL),
];

let platform: Platform;
let folder: string;

/** `redfleet import` with a URL in a file. */
const importFrom = (url: string, name: string, ...args: string[]) => {
  const file = join(folder, "url");
  writeFileSync(file, `${url}\n`, { mode: 0o600 });
  return redfleet(E2E, ["import", name, "--from-file", file, ...args]);
};

describe("redfleet import", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
    folder = mkdtempSync(join(tmpdir(), "redfleet-import-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("carries an instance into a cluster that runs: every replica serves it, credentials too", async () => {
    const old = await startHardillb("one", flows("/red-nodes"));
    try {
      const admin = await platform.login("main");
      await admin.deployTabs([tab("mine")]);
      const refused = await importFrom(old.url, "main");
      expect(refused.code).toBe(1);
      expect(refused.output).toMatch(/error: there are flows already: \d+ nodes/);
      expect(refused.output).toContain("way out: --replace does it");
      const { output } = succeeded(await importFrom(old.url, "main", "--replace"));
      expect(output).toContain("imported into main from hardillb storage, instance one:");
      expect(output).toContain("1 tabs, 6 nodes, credentials of 1 nodes, 1 library entries");
      for (const replica of await runningOf(E2E.name, "replica")) {
        const url = `http://${addressOf(replica, "-edge")}:1880/red-nodes/secret`;
        const served = await until(`${replica.Name} serves it`, async () => {
          const answer = await fetch(url);
          return answer.ok && answer.json();
        });
        expect(served).toMatchObject({ authorization: EXPECTED });
      }
      const { body } = await admin.ask(`/library/local/functions/${FUNCTION}`);
      expect(body).toBe("return msg;");
      expect((await admin.flows()).flows.map(({ id }) => id)).not.toContain("mine");
    } finally {
      await old.close();
    }
  });

  it("carries a user directory into a tenant", async () => {
    const text = "return msg;";
    const old = await plainUserDir(flows(""), { name: FUNCTION, text });
    try {
      const { output } = succeeded(
        await redfleet(E2E, ["import", "acme", "--from", old.folder, "--replace"]),
      );
      expect(output).toContain("imported into acme from user directory, flow file flows.json:");
      const served = await until("the tenant serves it", async () => {
        const { status, body } = await platform.client.ask("acme", "/secret");
        return status === 200 && JSON.parse(body);
      });
      expect(served).toMatchObject({ authorization: EXPECTED });
    } finally {
      old.remove();
    }
  });
});
