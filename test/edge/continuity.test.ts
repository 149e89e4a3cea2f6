import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engine } from "../support/engine.ts";
import { Load } from "../support/load.ts";
import { report } from "../support/report.ts";
import { pause, until } from "../support/wait.ts";
import {
  type EdgeAnswer,
  EdgeClient,
  type EdgeQuestion,
  roundTrip,
} from "./support/edge-client.ts";
import { EdgeLab } from "./support/edge-lab.ts";

const lab = new EdgeLab();
/** Longer than the edge lets a connection idle. */
const IDLE_MS = 11_000;
const api = (query = "", question: EdgeQuestion = {}) =>
  lab.client.ask(lab.host("main"), `/red-nodes/x${query}`, question);

const answerer = (answer: EdgeAnswer) => JSON.parse(answer.body).host as string;

/** Waits until the API has been answered by exactly these members. */
const servedBy = (members: number[]) =>
  until(`replicas ${members} to serve`, async () => {
    const answers = await Promise.all(Array.from({ length: 24 }, () => api()));
    const seen = new Set(answers.filter((one) => one.status === 200).map(answerer));
    return [...seen].sort().join() === members.map((one) => `replica-main-${one}`).join();
  });

/** Restarts a part by killing its process; proves that the process changed. */
async function kill(part: string): Promise<void> {
  const before = (await lab.container(part).inspect()).State;
  // Signalling 0 would end the tests themselves.
  expect(before.Pid).toBeGreaterThan(1);
  process.kill(before.Pid, "SIGKILL");
  await until(
    `${part} to be dead`,
    async () => {
      const { State } = await lab.container(part).inspect();
      return !State.Running || State.Pid !== before.Pid;
    },
    { every: 20 },
  );
}

beforeAll(async () => {
  await lab.open({ rateLimitPerSecond: 0, tls: { mode: "ownCa", leafDays: 90 } });
  await lab.addCluster("main", 3);
  await lab.addTenant("acme");
  await servedBy([0, 1, 2]);
  await until("the tenant", async () => {
    return (await lab.client.ask(lab.host("acme"), "/")).status === 200;
  });
});
afterAll(() => lab.close());

describe("a cluster", () => {
  it("sends the prefix to the replicas and everything else to the editor", async () => {
    const ask = async (path: string) => {
      const answer = await lab.client.ask(lab.host("main"), path);
      return answer.status === 200 ? answerer(answer).replace(/-\d$/, "") : answer.status;
    };
    expect(await ask("/red-nodes")).toBe("replica-main");
    expect(await ask("/red-nodes/a/b?c")).toBe("replica-main");
    for (const path of ["/", "/flows", "/red-nodesx", "/comms", "/auth/token"]) {
      expect([path, await ask(path)]).toEqual([path, "editor-main"]);
    }
    for (const path of [
      "/red-nodes/../flows",
      "/red-nodes/%2e%2E/flows",
      "/red-nodes/a%2f..%2f..",
    ]) {
      expect([path, await ask(path)]).toEqual([path, 400]);
    }
    const socket = await lab.client.socket(lab.host("main"), "/comms");
    expect(await roundTrip(socket, "hi")).toBe("editor-main:hi");
    socket.terminate();
  });

  it("loses no request while replicas come and go", async () => {
    const load = new Load({ ask: () => api(), perSecond: 60 });
    await lab.addReplica("main", 3);
    await servedBy([0, 1, 2, 3]);
    // A replica says that it is no longer ready before it ends: so does the real one.
    await lab.run("replica-main-3", ["node", "-e", "fetch('http://127.0.0.1:1880/unready')"]);
    await servedBy([0, 1, 2]);
    await lab.removeContainer("replica-main-3");
    await pause(1000);
    const report = await load.stop();
    expect(report.lost).toEqual([]);
    expect(report.sent).toBeGreaterThan(100);
  });

  it("answers every idempotent request while a replica is killed", async () => {
    const load = new Load({ ask: () => api("?wait=20"), perSecond: 60 });
    await pause(500);
    await kill("replica-main-1");
    await pause(2000);
    await lab.removeContainer("replica-main-1");
    await lab.addReplica("main", 1);
    await servedBy([0, 1, 2]);
    const report = await load.stop();
    expect(report.lost).toEqual([]);
  });

  it("never has a POST executed twice, whichever replica dies with it", async () => {
    const ids = Array.from({ length: 60 }, (_, at) => `p${at}`);
    const post = (id: string) => api(`?id=${id}&wait=2000`, { method: "POST", body: "x" });
    const answers = Promise.all(
      ids.map((id) =>
        post(id).then(
          (one) => one.status,
          () => 0,
        ),
      ),
    );
    await pause(250);
    await kill("replica-main-2");
    const statuses = await answers;
    // The fault happened: somebody's request was in the killed one.
    expect(statuses.filter((status) => status !== 200).length).toBeGreaterThan(0);
    const counts = await Promise.all(
      [0, 1].map(async (member) => {
        const script =
          "fetch('http://127.0.0.1:1880/executed').then(async r => console.log(await r.text()))";
        return JSON.parse(await lab.run(`replica-main-${member}`, ["node", "-e", script]));
      }),
    );
    const executed = new Map<string, number>();
    for (const [id, count] of counts.flat() as [string, number][]) {
      executed.set(id, (executed.get(id) ?? 0) + count);
    }
    expect(Math.max(...executed.values())).toBe(1);
    // What failed was sent to the killed one and to nobody else.
    const failed = ids.filter((_, at) => statuses[at] !== 200);
    expect(failed.filter((id) => executed.has(id))).toEqual([]);
    await lab.removeContainer("replica-main-2");
    await lab.addReplica("main", 2);
    await servedBy([0, 1, 2]);
  });

  it("keeps a client at its replica where that is asked for", async () => {
    await lab.addCluster("shop", 2, { sticky: true });
    const cookie = await until("a cookie", async () => {
      const answer = await lab.client.ask(lab.host("shop"), "/red-nodes/");
      return String(answer.headers["set-cookie"] ?? "").split(";")[0];
    });
    const headers = { cookie };
    const ask = () => lab.client.ask(lab.host("shop"), "/red-nodes/", { headers });
    const answers = await Promise.all(Array.from({ length: 12 }, ask));
    expect(new Set(answers.map(answerer)).size).toBe(1);
  });

  it("answers a page with Retry-After while its editor is away", async () => {
    await lab.container("editor-main").stop({ t: 0 });
    // On a kept connection HAProxy may close instead, for the client to try again.
    const answer = await until("the page", async () => {
      const last = await lab.client.askAnew(lab.host("main"), "/");
      return last.status === 503 ? last : undefined;
    });
    expect(answer.headers["retry-after"]).toBe("2");
    expect(answer.body).toContain("main is not answering yet");
    expect((await api()).status).toBe(200);
    await lab.container("editor-main").start();
    await until("the editor", async () => {
      return (await lab.client.ask(lab.host("main"), "/")).status === 200;
    });
  });
});

describe("what changes at run time", () => {
  it("leaves open websockets alone: a new tenant, a reload, a new certificate", async () => {
    const socket = await lab.client.socket(lab.host("acme"), "/");
    let closed = 0;
    socket.on("close", () => {
      closed += 1;
    });
    await lab.addTenant("globex");
    await until("the new tenant", async () => {
      return (await lab.client.askAnew(lab.host("globex"), "/")).status === 200;
    });
    const reloads = (await lab.logged("reloaded the proxy")).length;
    await lab.addCluster("other", 1);
    await until("a reload", async () => {
      return (await lab.logged("reloaded the proxy")).length > reloads;
    });
    const before = (await lab.client.certificate(lab.host("acme"))).certificate.serialNumber;
    await lab.run("agent", ["rm", "/edge/tls.pem"]);
    await lab.setTenantRoute("globex", { aliases: [lab.host("globex2")] });
    await until("another certificate", async () => {
      const { certificate } = await lab.client.certificate(lab.host("acme"));
      return certificate.serialNumber !== before;
    });
    expect(await roundTrip(socket, "still")).toBe("tenant-acme:still");
    expect(closed).toBe(0);
    socket.terminate();
  });

  it("loses no request over ten reloads", async () => {
    const load = new Load({ ask: () => api(), perSecond: 60 });
    const anew = new Load({
      ask: () => lab.client.askAnew(lab.host("main"), "/red-nodes/x"),
      perSecond: 20,
    });
    for (let round = 0; round < 10; round += 1) {
      expect(await lab.reload()).toMatch(/^Success=1/);
      await pause(300);
    }
    const reports = [await load.stop(), await anew.stop()];
    expect(reports.flatMap((report) => report.lost)).toEqual([]);
  });

  it("answers who comes back after a reload by what is true by then", async () => {
    const host = lab.host("main");
    const answers = (status: number) =>
      until(`an answer ${status}`, async () => {
        return (await lab.client.askAnew(host, "/")).status === status;
      });
    const editor = lab.container("editor-main");
    const kept = new EdgeClient(lab.client, lab.client.ca);
    expect(await kept.ask(host, "/")).toMatchObject({
      ...{ status: 200, headers: { "keep-alive": "timeout=10" } },
    });
    await editor.stop({ t: 0 });
    await answers(503);
    // From here on the worker that has the kept connection looks at no server any more.
    expect(await lab.reload()).toMatch(/^Success=1/);
    await editor.start();
    await answers(200);
    await pause(IDLE_MS);
    expect((await kept.ask(host, "/")).status).toBe(200);
    kept.close();
  });

  it("keeps the last good configuration when a new one is refused", async () => {
    const good = await lab.run("edge", ["cat", "/edge/haproxy.cfg"]);
    const spoil = "require('fs').appendFileSync('/edge/haproxy.cfg', 'nonsense\\n')";
    await lab.run("agent", ["node", "-e", spoil]);
    expect(await lab.reload()).toMatch(/^Success=0/);
    expect((await api()).status).toBe(200);
    const write = "require('fs').writeFileSync('/edge/haproxy.cfg', process.argv[1])";
    await lab.run("agent", ["node", "-e", write, good]);
    expect(await lab.reload()).toMatch(/^Success=1/);
    expect((await api()).status).toBe(200);
  });

  it("a refused configuration holds up neither tenants nor certificates", async () => {
    // A second record of one cluster: the proxy takes no two backends of one name.
    const cluster = { kind: "cluster", state: "running", prefix: "/red-nodes", options: "{}" };
    const twin = { ...cluster, upstream: lab.name("editor-main"), api: lab.name("replica-main") };
    const { serialNumber } = (await lab.client.certificate(lab.host("acme"))).certificate;
    await lab.setRoute("twin", "main", { ...twin, hosts: lab.host("twin") });
    await until("the refusal", async () => {
      const refused = "the proxy refused its configuration, the last one stays";
      return (await lab.logged(refused)).length > 0;
    });
    await lab.addCluster("fresh", 0);
    await lab.run("agent", ["rm", "/edge/tls.pem"]);
    await lab.addTenant("hooli");
    await until("the tenant", async () => {
      return (await lab.client.askAnew(lab.host("hooli"), "/")).status === 200;
    });
    await until("another certificate", async () => {
      const { certificate } = await lab.client.certificate(lab.host("acme"));
      return certificate.serialNumber !== serialNumber;
    });
    expect((await lab.client.askAnew(lab.host("fresh"), "/")).status).toBe(421);
    await engine.getVolume(lab.name("route-twin-main")).remove();
    await until("the cluster that had to wait", async () => {
      return (await lab.client.askAnew(lab.host("fresh"), "/")).status === 200;
    });
  });
});

describe("without the agent", () => {
  it("everything serves on, the edge even restarts, and a new agent catches up", async () => {
    await lab.container("agent").kill();
    expect((await lab.container("agent").inspect()).State.Running).toBe(false);
    expect((await api()).status).toBe(200);
    expect((await lab.client.ask(lab.host("acme"), "/")).status).toBe(200);
    await lab.container("edge").restart({ t: 15 });
    await until("the restarted edge", async () => (await api()).status === 200);
    await until("the tenant", async () => {
      return (await lab.client.askAnew(lab.host("acme"), "/")).status === 200;
    });
    await lab.addTenant("late");
    await pause(500);
    expect((await lab.client.askAnew(lab.host("late"), "/")).status).toBe(421);
    await lab.container("agent").start();
    await until("the late tenant", async () => {
      return (await lab.client.askAnew(lab.host("late"), "/")).status === 200;
    });
  });

  it("an asked agent ends at once and cleanly", async () => {
    const began = Date.now();
    await lab.container("agent").stop({ t: 60 });
    report("agent asked to end → ended", Date.now() - began, "ms", { atMost: 10_000 });
    expect((await lab.container("agent").inspect()).State.ExitCode).toBe(0);
    await lab.container("agent").start();
  });

  it("a killed edge comes back by itself with everything that it had", async () => {
    await engine
      .getContainer(lab.name("edge"))
      .update({ RestartPolicy: { Name: "unless-stopped" } });
    await kill("edge");
    await until("another process", async () => {
      return (await lab.container("edge").inspect()).State.Running;
    });
    await until("the edge", async () => (await api()).status === 200);
    await until("the tenant", async () => {
      return (await lab.client.askAnew(lab.host("acme"), "/")).status === 200;
    });
  });

  it("drains on SIGTERM: an answer under way is still given", async () => {
    const slow = lab.client.askAnew(lab.host("acme"), "/?wait=2000");
    await pause(500);
    const began = Date.now();
    await lab.container("edge").stop({ t: 60 });
    expect((await slow).status).toBe(200);
    report("edge asked to end → drained", Date.now() - began, "ms", { atMost: 15_000 });
    await lab.container("edge").start();
    await until("the edge", async () => (await api()).status === 200);
  });
});
