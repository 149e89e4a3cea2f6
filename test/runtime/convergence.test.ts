import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type Browser,
  deploy,
  importNodes,
  logIn,
  openBrowser,
  pressDeploy,
} from "../support/browser.ts";
import { answering, tab } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { Editor, PASSWORD } from "./support/editor.ts";
import { openMongodb, type StoreLab } from "./support/labs.ts";
import { type Runtime, start } from "./support/runtime.ts";

/** The node that one of the replicas does not have. */
const TEMPLATE = {
  id: "aaaa0000aaaa0001",
  type: "template",
  z: "aaaa0000aaaa0000",
  template: "x",
  x: 1,
  y: 1,
  wires: [[]],
};

let lab: StoreLab;
let runtimes: Runtime[] = [];
let browser: Browser;
let page: Page;

beforeAll(async () => {
  lab = await openMongodb();
  await lab.addUser("admin", "admin");
  const replica = { ...lab.access, role: "replica" } as const;
  runtimes = await Promise.all([
    start({ ...lab.access, role: "editor" }),
    start({ ...replica, worker: "whole" }),
    start({
      ...replica,
      worker: "poor",
      environment: { REDFLEET_NODES_EXCLUDES: "80-template.js" },
    }),
  ]);
  browser = await openBrowser();
  page = browser.page;
});
afterAll(async () => {
  await browser?.close();
  await Promise.all(runtimes.map((runtime) => runtime.remove()));
  await lab?.close();
});

const shown = () => page.locator(".redfleet-fleet");
const shows = (text: string) =>
  until(`the editor shows ${text}`, async () => (await shown().textContent())?.trim() === text);

it("shows a person how many replicas run what was deployed", async () => {
  const [editor] = runtimes as [Runtime];
  await logIn(page, editor.url, PASSWORD);
  await shows("live on 2/2");
  await importNodes(page, [
    tab("aaaa0000aaaa0000", "One"),
    ...answering("aaaa0000aaaa0000", "bbbb0000bbbb0001", "/a", ""),
  ]);
  await deploy(page);
  // "live on 2/2" stood there before the deploy, too.
  await until("both replicas to be live on the new revision", async () =>
    /poor: live on revision 1\nwhole: live on/.test((await shown().getAttribute("title")) ?? ""),
  );
  await shows("live on 2/2");
});

it("names the replica that cannot run a revision, and why, until it can", async () => {
  const [editor] = runtimes as [Runtime];
  const person = await Editor.login(editor);
  const before = await person.load();
  const revision = await person.deploy([...before, TEMPLATE]);
  await shows("live on 1/2");
  const reason = `poor: revision ${revision}: missing node types: template`;
  const said = page.locator(".red-ui-notification-error", { hasText: reason });
  await said.waitFor();
  expect(await said.textContent()).toContain("The revision before serves on there");
  expect(await shown().getAttribute("title")).toContain(reason);
  await person.deploy(before);
  await shows("live on 2/2");
  await said.waitFor({ state: "detached" });
});

it("names the replica that lags", async () => {
  const [editor, whole] = runtimes as [Runtime, Runtime];
  const person = await Editor.login(editor);
  const before = await person.load();
  await whole.pause();
  try {
    const revision = await person.deploy([...before, tab("cccc0000cccc0000", "Two")]);
    await shows("live on 1/2");
    expect(await shown().getAttribute("title")).toContain(
      `whole: running, runs revision ${revision - 1}`,
    );
  } finally {
    await whole.resume();
  }
  await shows("live on 2/2");
});

/** Imports a tab with an endpoint that answers its own name. */
const importEndpoint = (on: Page, name: string, digit: string) => {
  const id = `${digit}000000000000000`;
  const code = `msg.payload = "${name}";`;
  return importNodes(on, [
    tab(id, name),
    ...answering(id, `${digit}00000000000000a`, `/${name}`, code),
  ]);
};

it("lets one of two people win who save at once, tells the other, and merges both", async () => {
  const [, ...replicas] = runtimes as [Runtime, Runtime, Runtime];
  const second = await start({ ...lab.access, role: "editor", worker: "second" });
  runtimes.push(second);
  const other = await page.context().newPage();
  await logIn(other, second.url, PASSWORD);
  // What others deployed meanwhile, the page has yet to take.
  await page.reload();
  await page.waitForSelector("#red-ui-workspace-chart");
  await importEndpoint(page, "left", "1");
  await importEndpoint(other, "right", "2");
  const pages = [page, other];
  const answers = await Promise.all(pages.map(pressDeploy));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  const [winner, loser] = answers[0]?.status === 200 ? [page, other] : [other, page];
  const told = (on: Page, text: string) => on.locator(".red-ui-notification", { hasText: text });
  await told(loser, "The server is running a more recent set of flows.").waitFor();
  await told(loser, "can be merged automatically").waitFor();
  expect(await told(winner, "more recent set of flows").count()).toBe(0);
  await loser.click("#red-ui-deploy-dialog-confirm-deploy-merge:not(.disabled)");
  await deploy(loser);
  await told(winner, "The flows on the server have been updated.").waitFor();
  for (const { url } of replicas) {
    for (const name of ["left", "right"]) {
      const answer = async () => (await fetch(`${url}/${name}`)).text();
      await until(`${url} serves ${name}`, async () => (await answer()) === name);
    }
  }
  await other.close();
});

it("keeps a person logged in through a restart of the editor", async () => {
  const [editor] = runtimes as [Runtime];
  const person = await Editor.login(editor);
  await editor.restart();
  expect((await person.call("/flows")).status).toBe(200);
  await page.reload();
  await page.waitForSelector("#red-ui-workspace-chart");
  expect(await page.locator("#node-dialog-login-username").count()).toBe(0);
  await importEndpoint(page, "after", "3");
  await deploy(page);
});
