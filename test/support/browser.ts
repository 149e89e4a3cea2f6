import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { chromiumPath } from "./browser-setup.ts";
import type { FlowNode } from "./flows.ts";
import { capture } from "./process.ts";
import { succeeded } from "./stack.ts";
import { until } from "./wait.ts";

/** A real Chromium with a profile of its own that trusts one more authority. */
export interface Browser {
  readonly page: Page;
  close(): Promise<void>;
}

/**
 * Starts Chromium and makes it trust a stack's CA the way a person would: by importing the
 * certificate into the profile's store. No certificate error is ignored.
 * @param caFile PEM file; none for pages without TLS
 */
export async function openBrowser(caFile?: string): Promise<Browser> {
  const home = mkdtempSync(join(tmpdir(), "redfleet-browser-"));
  if (caFile !== undefined) await trust(home, caFile);
  const context = await chromium.launchPersistentContext(join(home, "profile"), {
    executablePath: chromiumPath(),
    headless: true,
    viewport: { width: 1440, height: 900 },
    // Chromium refuses to run as root inside its own sandbox.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    env: { ...process.env, HOME: home } as Record<string, string>,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  return { page, close: () => closeBrowser(context, home) };
}

async function trust(home: string, caFile: string): Promise<void> {
  const store = join(home, ".pki", "nssdb");
  mkdirSync(store, { recursive: true });
  const database = ["-d", `sql:${store}`];
  succeeded(await capture("certutil", [...database, "-N", "--empty-password"]));
  const certificate = ["-A", "-t", "C,,", "-n", "redfleet", "-i", caFile];
  succeeded(await capture("certutil", [...database, ...certificate]));
}

async function closeBrowser(context: BrowserContext, home: string): Promise<void> {
  await context.close();
  rmSync(home, { recursive: true, force: true });
}

/** Logs in to a Node-RED editor and waits until its workspace is there. */
export async function logIn(page: Page, url: string, password: string): Promise<void> {
  // Chromium drops every request under way when an interface of the host comes or goes, as those of starting
  // containers do, and the editor stays half loaded: a person would reload the page.
  await until("the workspace", () => enter(page, url, password), { seconds: 120, every: 500 });
  await dismissTour(page);
}

async function enter(page: Page, url: string, password: string): Promise<boolean> {
  await page.goto(url, { timeout: 20_000 });
  const workspace = "#red-ui-workspace-chart:visible";
  const name = "#node-dialog-login-username";
  await page.waitForSelector(`${name}:visible, ${workspace}`, { timeout: 20_000 });
  if (await page.isVisible(name)) {
    await page.fill(name, "admin");
    await page.fill("#node-dialog-login-password", password);
    await page.click("#node-dialog-login-submit");
  }
  await page.waitForSelector(workspace, { timeout: 30_000 });
  return true;
}

/** Closes the welcome tour that the editor shows to somebody new. */
async function dismissTour(page: Page): Promise<void> {
  const close = page
    .locator(".red-ui-tourGuide-popover .red-ui-popover-close, .red-ui-tourGuide-popover button")
    .first();
  await close.waitFor({ timeout: 4000 }).then(
    () => close.click(),
    () => undefined,
  );
}

/** Imports nodes through the editor's own dialog; their tab is laid out in rows. */
export async function importNodes(page: Page, nodes: readonly FlowNode[]): Promise<void> {
  await page.locator("#red-ui-workspace-chart").click({ position: { x: 600, y: 500 } });
  await page.keyboard.press("Control+i");
  const text = page.locator("#red-ui-clipboard-dialog-import-text");
  await text.fill(JSON.stringify(laidOut(nodes)));
  await text.press("End");
  await page.click("#red-ui-clipboard-dialog-ok");
  await text.waitFor({ state: "hidden" });
}

function laidOut(nodes: readonly FlowNode[]): FlowNode[] {
  let index = 0;
  return nodes.map((node) => {
    if (node.z === undefined) return node;
    const [column, row] = [index % 3, Math.floor(index / 3)];
    index += 1;
    return { ...node, x: 160 + column * 230, y: 100 + row * 80 };
  });
}

/** Drags a node from the palette onto the workspace with the mouse. */
export async function dragFromPalette(page: Page, type: string): Promise<void> {
  const node = page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
  await node.scrollIntoViewIfNeeded();
  await node.hover();
  await page.mouse.down();
  await page.mouse.move(600, 480, { steps: 12 });
  await page.mouse.move(620, 500, { steps: 4 });
  await page.mouse.up();
}

/** Presses Deploy. @returns the HTTP status of the editor's answer and its text. */
export async function pressDeploy(page: Page): Promise<{ status: number; text: string }> {
  const saved = page.waitForResponse(
    (response) => response.url().endsWith("/flows") && response.request().method() === "POST",
    { timeout: 120_000 },
  );
  await page.click("#red-ui-header-button-deploy");
  const response = await saved;
  return { status: response.status(), text: response.ok() ? "" : await response.text() };
}

/** Presses Deploy and waits for the editor to say that it worked. */
export async function deploy(page: Page): Promise<void> {
  const { status, text } = await pressDeploy(page);
  if (status >= 300) throw new Error(`deploy: ${status} ${text}`);
}
