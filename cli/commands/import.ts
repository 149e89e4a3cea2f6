import type { Command } from "commander";
import { own } from "../../config/own.ts";
import { hasPassword } from "../../config/passwords.ts";
import { globals } from "../context.ts";
import { AdminApi } from "../edge/admin.ts";
import { reachable, trustFile } from "../edge/client.ts";
import { readStatus } from "../engine/knowledge.ts";
import { withoutContainer } from "../engine/select.ts";
import { CliError, EXIT } from "../errors.ts";
import { applyImport, type ImportReport } from "../import/apply.ts";
import { readSource } from "../import/source.ts";
import { readInput } from "../input.ts";
import { printJson } from "../output.ts";
import { ownEngine } from "../pulumi/owner.ts";
import { say } from "../setup/progress.ts";
import { declaredPlatform } from "../stackfile/declared.ts";
import { urlOf } from "./open.ts";
import { firstPassword } from "./password.ts";

interface Options {
  from?: string;
  fromFile?: string;
  app?: string;
  collection?: string;
  flowFile?: string;
  prefix: string;
  credentialSecretFile?: string;
  user: string;
  passwordFile?: string;
  replace?: boolean;
  dryRun?: boolean;
}

const EXAMPLES = `
Sources:
  ~/.node-red                              user directory of a plain Node-RED
  mongodb://user:password@host/database    hardillb's multi-tenant storage (--app <instance>), or
                                           node-red-mongo-storage-plugin-with-sync (--collection <name>)
  redis://user:password@host:6379/0        node-red-cluster (--prefix when it is not nodered:)

Whoever may list processes sees the arguments of a command. A URL with a password is better given by a file, or
through standard input:
  npx redfleet import main --from-file url.txt
  printf %s "$URL" | npx redfleet import main --from-file -`;

/** `redfleet import`: flows, credentials, library and shared context of another Node-RED into a cluster or tenant. */
export function registerImport(program: Command): void {
  program
    .command("import")
    .description("import flows, credentials, library and shared context from another Node-RED")
    .argument("<name>", "cluster or tenant to import into")
    .option("--from <source>", "user directory, or URL of a MongoDB, Valkey or Redis")
    .option(
      "--from-file <file>",
      "file with that URL, for one with a password; - for standard input",
    )
    .option("--app <instance>", "which instance, where a database holds several")
    .option("--collection <name>", "which collection of flows, where a database holds several")
    .option("--flow-file <name>", "flow file, where a user directory has several")
    .option("--prefix <text>", "start of all keys in Valkey or Redis", "nodered:")
    .option("--credential-secret-file <file>", "file with the credentialSecret of the old settings")
    .option("--user <name>", "user to log in as", "admin")
    .option("--password-file <file>", "file with the password, where it is not the first one")
    .option("--replace", "take the place of flows that are there")
    .option("--dry-run", "check what can be known before, and change nothing")
    .addHelpText("after", EXAMPLES)
    .action(async (name: string, options: Options, command: Command) => {
      const { stack, json } = globals(command);
      const report = await importInto(stack, name, options);
      if (json) printJson(report);
      else console.log(render(report, name));
    });
}

async function importInto(stack: string, name: string, options: Options): Promise<ImportReport> {
  refuseSharedInput(options);
  const source = await readLocation(options);
  const credentialSecret = await readSecret(options.credentialSecretFile, "credentialSecret");
  const { app, collection, flowFile, prefix } = options;
  const found = await readSource(source, {
    ...{ app, collection, flowFile, prefix },
    credentialSecret,
  });
  const admin = await loggedIn(stack, name, options);
  const { replace = false, dryRun = false } = options;
  return applyImport(found, admin, { into: name, replace, dryRun });
}

async function loggedIn(stack: string, name: string, options: Options): Promise<AdminApi> {
  const platform = await declaredPlatform(stack);
  const status = await readStatus(await ownEngine(stack), stack, platform);
  const url = urlOf(status, name);
  if (own(platform.tenants, name)?.state === "stopped") {
    throw withoutContainer(stack, { kind: "tenant", key: name, state: "stopped" });
  }
  const password =
    (await readSecret(options.passwordFile, "password")) ?? (await firstPassword(stack, name));
  const { address, tls } = platform.edge;
  const reach = { address: reachable(address), trustFile: trustFile(tls, status.caFile) };
  return new AdminApi(reach, url).login(options.user, password);
}

/**
 * Where to import from: the argument, or what a file or standard input holds.
 * @throws CliError unless exactly one of the two names one source
 */
async function readLocation({
  from,
  fromFile,
}: Pick<Options, "from" | "fromFile">): Promise<string> {
  if ((from === undefined) === (fromFile === undefined)) {
    throw new CliError({
      what: from === undefined ? "no source to import from" : "two sources to import from",
      why: "a source is named by --from <source> or by --from-file <file>, and by one of them only",
      fix: "npx redfleet import --help has examples",
      exitCode: EXIT.usage,
    });
  }
  if (from !== undefined) {
    if (hasPassword(from)) say("note: a password in --from is seen by whoever lists processes");
    return from;
  }
  const location = (await readSecret(fromFile, "URL")) ?? "";
  if (/^\S+$/.test(location)) return location;
  const lines = location === "" ? "it is empty" : "it holds more than that";
  throw new CliError({
    what: `${fromFile === "-" ? "standard input" : fromFile} is not one URL`,
    why: lines,
    fix: "one line: mongodb://user:password@host/database, or redis://…",
  });
}

/** Standard input is read once: a second option would get nothing of it. */
function refuseSharedInput(options: Options): void {
  const files = {
    "--from-file": options.fromFile,
    "--password-file": options.passwordFile,
    "--credential-secret-file": options.credentialSecretFile,
  };
  const readers = Object.entries(files).flatMap(([name, file]) => (file === "-" ? [name] : []));
  if (readers.length < 2) return;
  throw new CliError({
    what: `standard input is asked for twice: ${readers.join(" and ")}`,
    why: "it can be read once only",
    fix: "write all but one of them into files",
    exitCode: EXIT.usage,
  });
}

async function readSecret(file: string | undefined, what: string): Promise<string | undefined> {
  if (file === undefined) return undefined;
  return (await readInput(file, `a file that holds the ${what} alone`)).trim();
}

function render(report: ImportReport, name: string): string {
  const { system, tabs, nodes, credentials, library, replaced, modules } = report;
  const verb = report.applied ? "imported into" : "would be imported into";
  const lines = [
    `${verb} ${name} from ${system}:`,
    `  ${tabs} tabs, ${nodes} nodes, credentials of ${credentials} nodes, ${library} library entries`,
  ];
  if (report.context > 0) lines.push(`  ${report.context} values of the shared context`);
  if (replaced > 0) lines.push(`  in place of ${replaced} nodes; they stay in the history`);
  const names = Object.entries(modules).map(([module, version]) => `${module}@${version}`);
  if (names.length > 0) lines.push(`  modules of the source: ${names.join(", ")}`);
  for (const entry of report.leftOut) lines.push(`  left out: ${entry}`);
  for (const note of report.notes) lines.push(`  note: ${note}`);
  return lines.join("\n");
}
