import { spawn } from "node:child_process";
import { log } from "../log.ts";
import type { Observed } from "../model.ts";
import type { Endpoint } from "./external.ts";
import { hostResolvers } from "./resolvers.ts";
import { firewallInput, isNeeded, renderFirewall, tableName } from "./rules.ts";

interface Listing {
  nftables: { table?: { family: string; name: string; comment?: string } }[];
}

function nft(args: string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("nft", args, { timeout: 10_000 });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`nft: ${err}`))));
    // Nobody has to read the input: the exit status tells what happened.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

/** The digest of the table that the kernel holds; undefined without one. */
async function present(name: string): Promise<string | undefined> {
  const { nftables } = JSON.parse(await nft(["-j", "list", "tables"])) as Listing;
  const found = nftables.find(({ table }) => table?.family === "inet" && table.name === name);
  return found && (found.table?.comment ?? "");
}

interface Elements {
  nftables: { set?: { elem?: { concat: [string, number] }[] } }[];
}

/** The servers of external stores that the table in the kernel lets tenants reach; none without a table. */
export async function storesInForce(stack: string): Promise<Endpoint[]> {
  const name = tableName(stack);
  if ((await present(name)) === undefined) return [];
  const listed = ["stores4", "stores6"].map((set) => nft(["-j", "list", "set", "inet", name, set]));
  const sets = (await Promise.all(listed)).map((text) => JSON.parse(text) as Elements);
  const elements = sets.flatMap(({ nftables }) => nftables.flatMap(({ set }) => set?.elem ?? []));
  return elements.map(({ concat: [address, port] }) => ({ address, port }));
}

/** Puts the stack's table in place, replaces it when it differs, removes it when nothing is left. */
export async function applyFirewall(
  observed: Observed,
  host: { stack: string; subnet?: string; stores: Endpoint[] },
): Promise<void> {
  const input = firewallInput(observed, { ...host, resolvers: hostResolvers() });
  const name = tableName(host.stack);
  if (!isNeeded(input)) return await removeFirewall(host.stack, "no network of the stack is left");
  const wanted = renderFirewall(input);
  if ((await present(name)) === wanted.digest) return;
  await nft(["-f", "-"], wanted.text);
  const { tenantBridges, platformBridges } = input;
  log("info", "set the firewall", { table: name, tenantBridges, platformBridges });
}

/** Takes the stack's table away, if there is one. */
export async function removeFirewall(stack: string, why: string): Promise<void> {
  const name = tableName(stack);
  if ((await present(name)) === undefined) return;
  await nft(["delete", "table", "inet", name]);
  log("info", "removed the firewall", { table: name, why });
}
