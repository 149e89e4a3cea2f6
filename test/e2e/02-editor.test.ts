import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Browser,
  deploy,
  dragFromPalette,
  importNodes,
  logIn,
  openBrowser,
} from "../support/browser.ts";
import type { Comms, Message } from "../support/comms.ts";
import { addressOf, type Inspected, runningOf } from "../support/containers.ts";
import { credentialProbe, endpoint, type FlowNode, tab } from "../support/flows.ts";
import { type Platform, runningPlatform } from "../support/platform.ts";
import { ROOT } from "../support/process.ts";
import { report } from "../support/report.ts";
import { E2E, password } from "../support/stack.ts";
import { until } from "../support/wait.ts";

const CREDENTIAL = { user: "robot", password: "a secret that only the flow knows" };
const EXPECTED = `Basic ${btoa(`${CREDENTIAL.user}:${CREDENTIAL.password}`)}`;
const PREFIX = "/red-nodes";
const ORIGIN = `http://127.0.0.1:1880${PREFIX}`;

let platform: Platform;
let browser: Browser;
let replicas: Inspected[];
/** Of others who look at the editor and at a tenant, from before the deploy on. */
let sockets: { readonly editor: Comms; readonly tenant: Comms };

/** Asks one replica itself, past the edge: the only way to know that each of them serves. */
const askReplica = async (replica: Inspected, path: string) => {
  const url = `http://${addressOf(replica, "-edge")}:1880${PREFIX}${path}`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  return answer.ok ? JSON.parse(await answer.text()) : undefined;
};

describe("live editing in a real browser", () => {
  beforeAll(async () => {
    platform = await runningPlatform(E2E);
    replicas = await runningOf(E2E.name, "replica");
    const comms = async (name: string) => (await platform.login(name)).comms();
    sockets = { editor: await comms("main"), tenant: await comms("acme") };
    await exchange();
    browser = await openBrowser(platform.status.caFile);
  });

  afterAll(async () => {
    for (const socket of Object.values(sockets ?? {})) socket.close();
    await browser?.close();
  });

  it("logs in over HTTPS, imports a flow with a credential, drags a node and deploys", async () => {
    const { page } = browser;
    const url = platform.status.clusters.main?.url ?? "";
    await logIn(page, url, await password(E2E, "main"));
    const flow = [
      tab("orders", "Orders"),
      ...endpoint("orders", "hello", "/hello", "browser"),
      ...credentialProbe("orders", "secret", "/secret", ORIGIN, CREDENTIAL),
    ];
    await importNodes(page, laidOut(flow));
    await dragFromPalette(page, "comment");
    await deploy(page);
    const saved = Date.now();
    await Promise.all(
      replicas.map((replica) =>
        until(`${replica.Name} serves`, () => askReplica(replica, "/hello"), { every: 10 }),
      ),
    );
    report("browser deploy → all replicas serve", Date.now() - saved, "ms");
  });

  it("serves it from every replica, the credential included", async () => {
    for (const replica of replicas) {
      const hello = await askReplica(replica, "/hello");
      expect(hello).toEqual({ mark: "browser", worker: replica.Config.Hostname });
      const secret = await askReplica(replica, "/secret");
      expect(secret).toEqual({ worker: replica.Config.Hostname, authorization: EXPECTED });
    }
  });

  it("did that without a restart", async () => {
    const now = await runningOf(E2E.name, "replica");
    const started = (entries: Inspected[]) => entries.map((entry) => entry.State.StartedAt);
    expect(started(now)).toEqual(started(replicas));
  });

  it("shows the credential to nobody who reads the flows", async () => {
    const admin = await platform.login("main");
    expect((await admin.ask("/flows")).body).not.toContain(CREDENTIAL.password);
    for (const replica of replicas) {
      const response = await fetch(`http://${addressOf(replica, "-edge")}:1880/flows`);
      expect(response.status).toBeGreaterThanOrEqual(400);
    }
  });

  it("keeps websockets through the edge, of the editor and of a tenant, in both directions", async () => {
    const told = ({ topic }: Message) => topic === "notification/runtime-deploy";
    expect(sockets.editor.messages.filter(told)).toHaveLength(1);
    expect(sockets.tenant.messages.filter(told)).toHaveLength(0);
    await exchange();
    const { editor, tenant } = sockets;
    expect([editor.isClosed, tenant.isClosed]).toEqual([false, false]);
  });

  it("shows no error in the editor", async () => {
    const { page } = browser;
    const errors = page.locator(".red-ui-notification-error, .notification-error");
    expect(await errors.count()).toBe(0);
    if (process.env.REDFLEET_SCREENSHOT) await screenshot();
  });
});

/** Each endpoint in a row of its own: this flow is the one in the README's picture. */
function laidOut(nodes: readonly FlowNode[]): FlowNode[] {
  let [row, column] = [0, 0];
  return nodes.map((node) => {
    if (!("x" in node)) return node;
    if (node.type === "http in") [row, column] = [row + 1, 0];
    return { ...node, x: 140 + 220 * column++, y: 80 * row };
  });
}

/** A message there and one back on each of the sockets. */
const exchange = () => Promise.all(Object.values(sockets).map((socket) => socket.exchange()));

async function screenshot(): Promise<void> {
  const { page } = browser;
  const path = join(ROOT, "docs/images/editor.png");
  mkdirSync(dirname(path), { recursive: true });
  await page.locator(".red-ui-tab-label", { hasText: "Orders" }).first().click();
  await page.waitForTimeout(6000);
  await page.screenshot({ path });
}
