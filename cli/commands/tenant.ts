import type { Command } from "commander";
import { globals } from "../context.ts";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { paint, printJson, table } from "../output.ts";
import type { StackDocument } from "../stackfile/document.ts";
import { assertValid, editStackFile, openStackFile } from "../stackfile/edit.ts";
import {
  type Assignment,
  addTenant,
  duplicateTenant,
  listTenants,
  parseAssignment,
  removeTenant,
  renameTenant,
  setTenant,
} from "../stackfile/tenants.ts";
import { runRedfleet } from "./run.ts";

interface EditOptions {
  dryRun?: boolean;
  up?: boolean;
}

/** `redfleet tenant …`: edits the stack file, keeps its comments, shows the difference. */
export function registerTenant(program: Command): void {
  const tenant = program
    .command("tenant")
    .description("add, list, change and remove tenants in the stack file");
  tenant
    .command("list")
    .description("the tenants that the stack file declares")
    .action((_options: unknown, command: Command) => list(command));
  addEdits(tenant);
  addStates(tenant);
}

function addEdits(tenant: Command): void {
  editing(tenant, "add", "declare a new tenant")
    .argument("<key>", "its name for ever: lowercase letters, digits, -")
    .argument("[field=value...]", 'for example memory="512 MB" cpus=0.5 env.LANG=de')
    .option("--template <name>", "template to make it from", "nodered-5")
    .action((key, changes, options: EditOptions & { template: string }, command) =>
      apply(command, options, (stack) => {
        addTenant(stack, key, { template: options.template });
        setTenant(stack, key, assignments(changes));
      }),
    );
  editing(tenant, "set", "change fields of a tenant; field= removes one")
    .argument("<key>", "tenant")
    .argument("<field=value...>", 'for example memory="1 GB" aliases=shop.example.org')
    .action((key, changes, options: EditOptions, command) =>
      apply(command, options, (stack) => setTenant(stack, key, assignments(changes))),
    );
  editing(tenant, "duplicate", "declare a copy of a tenant, stopped; its data is not copied")
    .argument("<from>", "tenant to copy")
    .argument("<to>", "name of the copy")
    .action((from, to, options: EditOptions, command) =>
      apply(command, options, (stack) => duplicateTenant(stack, from, to)),
    );
  editing(tenant, "rename", "give a tenant another key; its data stays")
    .argument("<from>", "tenant")
    .argument("<to>", "its new key, and host name unless it has a host of its own")
    .action((from, to, options: EditOptions, command) =>
      apply(command, options, (stack) => renameTenant(stack, from, to)),
    );
  editing(tenant, "remove", "take a tenant out; its data stays unless --delete-data")
    .argument("<key>", "tenant")
    .option("--delete-data", "confirm in the stack file that its data goes with the next up")
    .action((key, options: EditOptions & { deleteData?: boolean }, command) =>
      apply(command, options, (stack) => removeTenant(stack, key, options.deleteData === true)),
    );
}

function addStates(tenant: Command): void {
  const state = (value: string | undefined): Assignment[] => [{ path: ["state"], value }];
  editing(tenant, "stop", "declare a tenant stopped: its data stays, a page says so")
    .argument("<key>", "tenant")
    .action((key, options: EditOptions, command) =>
      apply(command, options, (stack) => setTenant(stack, key, state("stopped"))),
    );
  editing(tenant, "start", "declare a tenant running again")
    .argument("<key>", "tenant")
    .action((key, options: EditOptions, command) =>
      apply(command, options, (stack) => setTenant(stack, key, state(undefined))),
    );
}

function editing(tenant: Command, name: string, description: string): Command {
  return tenant
    .command(name)
    .description(description)
    .option("--dry-run", "show the difference, write nothing")
    .option("--up", "apply it at once: redfleet up");
}

const assignments = (changes: readonly string[]): Assignment[] => changes.map(parseAssignment);

/** Edits, shows the difference, and applies it if asked. */
async function apply(
  command: Command,
  options: EditOptions,
  edit: (stack: StackDocument) => void,
): Promise<void> {
  const { stack, json } = globals(command);
  if (options.dryRun && options.up) {
    throw new CliError({ what: "--dry-run and --up exclude each other", exitCode: 2 });
  }
  const result = await editStackFile(stack, edit, { dryRun: options.dryRun === true });
  if (json) printJson(result);
  else console.log(result.changed ? colourDiff(result.diff) : "nothing to change");
  if (options.up) process.exitCode = await runRedfleet(["up", "--stack", stack]);
  else if (!json && result.changed && !options.dryRun) {
    console.log(`\n${redfleet("up", stack)} applies it`);
  }
}

function colourDiff(diff: string): string {
  const colour = (line: string) => {
    if (line.startsWith("@@")) return paint("cyan", line);
    if (line.startsWith("+")) return paint("green", line);
    return line.startsWith("-") ? paint("red", line) : line;
  };
  return diff.split("\n").map(colour).join("\n");
}

/** @throws ConfigError for a file that could not be applied: a list of it would say what nobody gets */
async function list(command: Command): Promise<void> {
  const { stack, json } = globals(command);
  await assertValid(stack);
  const tenants = listTenants(await openStackFile(stack));
  if (json) return printJson(tenants);
  const rows = Object.entries(tenants).map(([key, fields]) => [
    key,
    String(fields.template ?? ""),
    String(fields.state ?? "running"),
    String(fields.memory ?? ""),
    String(fields.displayName ?? ""),
  ]);
  if (rows.length === 0) console.log(`the stack "${stack}" declares no tenants`);
  else console.log(table([["TENANT", "TEMPLATE", "DECLARED", "MEMORY", "NAME"], ...rows]));
}
