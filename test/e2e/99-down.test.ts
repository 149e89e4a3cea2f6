import { existsSync, rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { localDirectory } from "../../cli/context.ts";
import { containersOf } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { endpoint, tab } from "../support/flows.ts";
import { runningPlatform } from "../support/platform.ts";
import { report } from "../support/report.ts";
import { destroy, E2E, redfleet, stackFile, succeeded, up } from "../support/stack.ts";
import { until } from "../support/wait.ts";

const left = { filters: { label: [`redfleet.stack=${E2E.name}`] } };

describe("down", () => {
  it("takes everything away but the data, which the next up finds again", async () => {
    const platform = await runningPlatform(E2E);
    const admin = await platform.login("main");
    await admin.deployTabs([tab("kept"), ...endpoint("kept", "kept", "/kept", "kept")]);
    succeeded(await redfleet(E2E, ["down"], { seconds: 300 }));
    expect((await containersOf(E2E.name)).map((entry) => entry.Name)).toEqual([]);
    expect(await engine.listNetworks(left)).toEqual([]);
    expect(succeeded(await redfleet(E2E, ["status"])).stdout).toMatch(
      /is down; data of .*mongodb.*tenant-acme.* is kept: npx redfleet up --stack \S+ goes on with it\n/,
    );
    const again = await up(E2E);
    report("up, data there", again.seconds, "s");
    const kept = () => platform.client.ask("main", "/red-nodes/kept");
    await until("the flow is back", async () => (await kept()).body.includes('"mark":"kept"'));
  });

  it("takes the data too when it is told so twice", async () => {
    await destroy(E2E);
    expect((await containersOf(E2E.name)).map((entry) => entry.Name)).toEqual([]);
    expect(await engine.listNetworks(left)).toEqual([]);
    expect(((await engine.listVolumes(left)).Volumes ?? []).map((volume) => volume.Name)).toEqual(
      [],
    );
    rmSync(`${stackFile(E2E)}.before`, { force: true });
    expect(existsSync(stackFile(E2E))).toBe(false);
  });

  it.each([["down"], ["status"], ["status", "--json"]])(
    "refuses a %s of a stack that is not there, and leaves nothing behind",
    async (...args) => {
      const { code, output } = await redfleet(E2E, args.filter(Boolean));
      expect({ code, output }).toEqual({
        code: 1,
        output: expect.stringContaining(`there is no stack file Pulumi.${E2E.name}.yaml`),
      });
      expect(existsSync(localDirectory(E2E.name))).toBe(false);
    },
  );
});
