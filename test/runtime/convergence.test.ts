import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Browser, deploy, importNodes, logIn, openBrowser } from "../support/browser.ts";
import { tab } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { Editor, PASSWORD } from "./support/editor.ts";
import { answering } from "./support/flows.ts";
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
