import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { readLogs } from "../../cli/engine/logs.ts";
import { selectParts } from "../../cli/engine/select.ts";
import { readStack } from "../../cli/engine/view.ts";
import { engine } from "../support/engine.ts";
import { capture } from "../support/process.ts";
import { succeeded } from "../support/stack.ts";
import { pause, until } from "../support/wait.ts";
import { EdgeLab } from "./support/edge-lab.ts";

const lab = new EdgeLab();
/** What `redfleet logs edge` reads; the command itself takes no stack of the lab's name. */
async function logs(): Promise<string[]> {
  const parts = selectParts(await readStack(engine, lab.stack), "edge");
  const lines = await Promise.all(parts.map(({ id }) => readLogs(engine, id, 1000)));
  return lines.flat().map(({ text }) => text);
}
const status = async (label: string, path = "/") =>
  (await lab.client.askAnew(lab.host(label), path)).status;
const reaches = (label: string, path?: string) =>
  until(`${label} to answer`, async () => (await status(label, path)) === 200);

/** Lines of requests that the edge answered in the place of a runtime. */
async function failures(label: string): Promise<Record<string, unknown>[]> {
  const told = (await logs()).filter((text) => text.startsWith("{"));
  const lines = told.map((text) => JSON.parse(text) as Record<string, unknown>);
  return lines.filter(({ host }) => host === lab.host(label));
}

beforeAll(async () => {
  await lab.open({ rateLimitPerSecond: 0 });
  await lab.addTenant("acme");
  await lab.addTenant("globex");
  await lab.addCluster("main", 2);
  await Promise.all([reaches("acme"), reaches("globex"), reaches("main", "/red-nodes/x")]);
});
afterAll(() => lab.close());

describe("a busy engine", () => {
  it("that does not say where a tenant is keeps nobody from it", async () => {
    const { State } = await lab.container("edge").inspect();
    const silence = async (verb: string) => {
      const rule = ["-t", "raw", verb, "OUTPUT", "-d", "127.0.0.11", "-p", "udp", "-j", "DROP"];
      const within = ["--target", String(State.Pid), "--net", "iptables"];
      succeeded(await capture("nsenter", [...within, ...rule]));
    };
    await silence("-I");
    onTestFinished(() => silence("-D"));
    // An answer holds for 250 ms.
    await pause(500);
    for (let ask = 0; ask < 3; ask += 1) expect(await status("acme")).toBe(200);
  });
});

describe("the log of the edge", () => {
  it("is silent of what goes well, and of what a runtime refuses by itself", async () => {
    expect(await status("acme")).toBe(200);
    expect(await status("nobody")).toBe(421);
    expect(await status("acme", "/?status=500")).toBe(500);
    expect(await failures("acme")).toEqual([]);
    expect(await failures("nobody")).toEqual([]);
  });

  it("names a request that it fails by itself, at most one a second and tenant", async () => {
    await lab.container("tenant-globex").stop({ t: 0 });
    const started = Date.now();
    await until("the page", async () => (await status("globex")) === 503);
    await Promise.all(Array.from({ length: 40 }, () => status("globex")));
    const seconds = Math.ceil((Date.now() - started) / 1000);
    const found = await until("a line", async () => {
      const lines = await failures("globex");
      return lines.length > 0 && lines;
    });
    expect(found.length).toBeLessThanOrEqual(seconds + 1);
    expect(found[0]).toMatchObject({
      ...{ level: "error", message: "answered in place of a runtime", status: 503 },
      ...{ backend: "tenants", method: "GET", path: "/" },
    });
    expect(await failures("acme")).toEqual([]);
  });

  it("tells of a server that goes down and comes back", async () => {
    await lab.container("editor-main").stop({ t: 0 });
    await until("it to be down", async () =>
      (await logs()).some((text) => /^Server editor-main\/editor .*DOWN/.test(text)),
    );
    await until("the page", async () => (await status("main")) === 503);
    expect(await until("a line", async () => (await failures("main"))[0])).toMatchObject({
      ...{ status: 503, backend: "editor-main", termination: expect.stringMatching(/^sC$/i) },
    });
    await lab.container("editor-main").start();
    await until("it to be up", async () =>
      (await logs()).some((text) => /^Server editor-main\/editor .*is UP/.test(text)),
    );
  });
});
