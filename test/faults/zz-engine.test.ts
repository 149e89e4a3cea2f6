import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startedEngine } from "../../cli/setup/engine.ts";
import { runningOf } from "../support/containers.ts";
import { engine } from "../support/engine.ts";
import { report } from "../support/report.ts";
import { restartEngine } from "../support/setup.ts";
import { destroy, E2E } from "../support/stack.ts";
import { healed } from "./fault.ts";
import { Crew, prepareScene, type Scene } from "./scenario.ts";

/** Clients that nothing serves while no container runs: they may miss answers, never lose a write. */
const WRITERS = ["mongodb", "valkey", "saver"];

/** Start times of all running containers by name. */
async function startTimes(): Promise<Record<string, string>> {
  const running = await runningOf(E2E.name);
  return Object.fromEntries(running.map((entry) => [entry.Name, entry.State.StartedAt]));
}

let scene: Scene;

describe("the engine restarted", () => {
  beforeAll(async () => {
    scene = await prepareScene();
  });

  // The last file of its tier.
  afterAll(() => destroy(E2E));

  it("brings every container back, with everything that was acknowledged", async () => {
    const before = await startTimes();
    const known = await startedEngine();
    const crew = await Crew.start(scene);
    const begin = performance.now();
    let seen: Awaited<ReturnType<Crew["stop"]>>;
    try {
      await restartEngine();
      await healed(E2E.name, Object.keys(before).length);
      await crew.served(performance.now());
      await crew.converged();
      report("engine restart: until everything is served", performance.now() - begin, "ms");
    } finally {
      seen = await crew.stop();
    }
    await engine.ping();
    const after = await startTimes();
    for (const [name, started] of Object.entries(before)) {
      expect(after[name], `${name} was restarted`).toEqual(expect.any(String));
      expect(after[name], `${name} was restarted`).not.toBe(started);
    }
    // An engine that the set-up has started is known to it afterwards, too.
    const other = known && { pid: expect.any(Number), start: expect.any(String) };
    expect(await startedEngine()).toEqual(other);
    for (const { name, times, losses } of seen.clients) {
      expect(
        times.some((time) => time < begin),
        `${name} before`,
      ).toBe(true);
      if (WRITERS.includes(name)) expect(losses, name).toEqual([]);
    }
  });
});
