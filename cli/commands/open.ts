import { spawn } from "node:child_process";
import type { Command } from "commander";
import { own } from "../../config/own.ts";
import { globals } from "../context.ts";
import { readStatus } from "../engine/knowledge.ts";
import type { Status } from "../engine/status.ts";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { printJson } from "../output.ts";
import { ownEngine } from "../pulumi/owner.ts";
import { readablePlatform } from "../stackfile/declared.ts";

/** `redfleet open`: prints a cluster's or tenant's address and shows it in a browser. */
export function registerOpen(program: Command): void {
  program
    .command("open")
    .description("print the address of a cluster or tenant, open it in a browser if there is one")
    .argument("<name>", "cluster or tenant")
    .action(async (name: string, _options: unknown, command: Command) => {
      const { stack, json } = globals(command);
      const platform = await readablePlatform(stack);
      const url = urlOf(await readStatus(await ownEngine(stack), stack, platform), name);
      if (json) return printJson({ name, url });
      console.log(url);
      if (process.stdout.isTTY) showInBrowser(url);
    });
}

/** Address of a cluster or tenant. */
export function urlOf(status: Status, name: string): string {
  const found = own(status.clusters, name) ?? own(status.tenants, name);
  if (found) return found.url;
  const names = [...Object.keys(status.clusters), ...Object.keys(status.tenants)];
  throw new CliError({
    what: `the stack "${status.stack}" has no cluster or tenant "${name}" on this engine`,
    why: `it has ${names.sort().join(", ") || "none"}`,
    fix: `${redfleet("status", status.stack)} shows what there is`,
  });
}

/** A machine without a browser is no error: the address is printed anyway. */
function showInBrowser(url: string): void {
  const opener = process.platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(opener, [url], { stdio: "ignore", detached: true });
  child.on("error", () => undefined);
  child.unref();
}
