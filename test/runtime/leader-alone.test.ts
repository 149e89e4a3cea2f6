import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tab } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { Editor } from "./support/editor.ts";
import { openMongodb, type StoreLab } from "./support/labs.ts";
import { type Answer, asked, type Dot, releasing } from "./support/leader-flows.ts";
import { type Runtime, start } from "./support/runtime.ts";

describe("the leader nodes of a tenant", () => {
  let lab: StoreLab;
  let tenant: Runtime;

  beforeAll(async () => {
    lab = await openMongodb();
    await lab.addUser("admin", "admin");
    tenant = await start({ ...lab.access, role: "instance", worker: "acme" });
    const person = await Editor.login(tenant);
    await person.load();
    await person.deploy([
      tab("t"),
      ...asked("asked", { lockKey: "job" }),
      ...releasing("release", { lockKey: "job" }),
    ]);
  });
  afterAll(async () => {
    await tenant?.remove();
    await lab?.close();
  });

  const ask = async <Found>(path: string) =>
    (await (await fetch(`${tenant.url}/${path}`)).json()) as Found;
  /** Waits until it leads, and shows it. */
  const leads = () =>
    until("the tenant leads", async () => {
      const answer = await ask<Answer>("asked");
      return answer.isLeader && answer.dot?.fill === "green" && answer;
    });

  it("always lead", async () => {
    expect(await leads()).toEqual({
      ...{ output: 1, isLeader: true, leaderHost: "acme", lockKey: "job" },
      fence: expect.any(Number),
      dot: { fill: "green", shape: "dot", text: "leader (acme)" },
    });
  });

  it("hand over to nobody, and say so", async () => {
    const before = await leads();
    expect(await ask("release")).toEqual({
      ...{ lockReleased: false, releasedBy: null, currentLeader: "acme", lockKey: "job" },
    });
    const dot = { fill: "yellow", shape: "ring", text: "leader: acme" };
    await until("it shows who leads", async () => (await ask<Dot>("release-dot")).text);
    expect(await ask("release-dot")).toEqual(dot);
    expect(await ask("asked")).toEqual(before);
  });

  it("lead with a higher number after a restart", async () => {
    const { fence = 0 } = await leads();
    await tenant.restart();
    expect((await leads()).fence).toBeGreaterThan(fence);
  });
});
