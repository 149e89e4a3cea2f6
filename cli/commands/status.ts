import type { Command } from "commander";
import type { EdgeConfig } from "../../config/sections/edge.ts";
import { globals } from "../context.ts";
import { readStatus } from "../engine/knowledge.ts";
import { type ClusterStatus, publicStatus, type Status } from "../engine/status.ts";
import { EXIT } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { paint, paintState, printJson, table } from "../output.ts";
import { ownEngine, refuseForeignData } from "../pulumi/owner.ts";
import { say } from "../setup/progress.ts";
import { readablePlatform } from "../stackfile/declared.ts";
import { assertStackFile, assertValid } from "../stackfile/edit.ts";

/** `redfleet status`: what runs, where it answers, and why something does not. */
export function registerStatus(program: Command): void {
  program
    .command("status")
    .description("what runs, where it answers, and why something does not")
    .option("--all", "with --json: also the stores, the edge, the agent and reasons")
    .option("--check", "list what is not as the stack file declares; exit code 1 when anything is")
    .action(async (options: Options, command: Command) => {
      const { stack, json } = globals(command);
      const docker = await ownEngine(stack);
      if (options.check) await assertValid(stack);
      const platform = await readablePlatform(stack);
      const { differences, work, ...status } = await readStatus(docker, stack, platform);
      // Nothing of a stack that has no file either: most likely a name that was mistyped.
      if (isEmpty(status) && status.kept.length === 0) assertStackFile(stack);
      else if (isEmpty(status)) await refuseForeignData(docker, stack);
      else if (!platform) say(unknown(stack));
      if (work) say(`note: ${work.command} is under way (process ${work.pid})`);
      const checked = options.check ? { differences } : {};
      if (json) printJson({ ...(options.all ? status : publicStatus(status)), ...checked });
      else
        console.log(
          [renderStatus(status, platform?.edge.tls), ...renderCheck(checked)].join("\n\n"),
        );
      if (options.check && differences.length > 0) process.exitCode = EXIT.failed;
    });
}

interface Options {
  readonly all?: boolean;
  readonly check?: boolean;
}

const unknown = (stack: string): string =>
  `note: whether anything is missing is not known without a valid Pulumi.${stack}.yaml: ${redfleet("validate", stack)}`;

/** What `--check` adds; nothing without it. */
export function renderCheck({ differences }: { differences?: readonly string[] }): string[] {
  if (!differences) return [];
  if (differences.length === 0) return ["all is as the stack file declares"];
  return [
    ["not as the stack file declares:", ...differences.map((line) => `  ${line}`)].join("\n"),
  ];
}

/**
 * The status as tables for people.
 * @param tls where the edge's certificate comes from; unknown: from the platform's own CA
 */
export function renderStatus(status: Status, tls?: EdgeConfig["tls"]): string {
  if (isEmpty(status)) {
    if (status.kept.length > 0) return renderKept(status);
    return `nothing of the stack "${status.stack}" is on this engine: ${redfleet("up", status.stack)} brings it up`;
  }
  const head = [
    `stack ${paint("bold", status.stack)}  domain ${status.domain}  HTTPS port ${status.https}`,
    `CA certificate ${status.caFile ?? (tls?.mode === "files" ? "none of its own" : "none yet")}`,
  ].join("\n");
  return [head, runtimes(status), components(status)].filter(Boolean).join("\n\n");
}

/** After a `down` or a `pulumi destroy`. */
const renderKept = ({ stack, kept }: Status): string =>
  `the stack "${stack}" is down; data of ${kept.join(", ")} is kept: ${redfleet("up", stack)} goes on with it`;

function isEmpty(status: Status): boolean {
  const { clusters, tenants, components: parts } = status;
  return [clusters, tenants, parts].every((one) => Object.keys(one).length === 0);
}

function runtimes(status: Status): string {
  const rows = [["", "STATE", "REVISION", "ADDRESS", ""]];
  for (const [name, cluster] of Object.entries(status.clusters)) {
    const revision = String(cluster.revision ?? "-");
    rows.push([
      `cluster ${name}`,
      paintState(cluster.state),
      revision,
      cluster.url,
      editorReason(cluster),
    ]);
    for (const one of cluster.replicas) {
      rows.push([
        `  ${one.name}`,
        paintState(one.state),
        String(one.revision ?? "-"),
        cluster.apiUrl,
      ]);
      rows.at(-1)?.push(one.reason);
    }
  }
  for (const [key, tenant] of Object.entries(status.tenants)) {
    rows.push([`tenant ${key}`, paintState(tenant.state), "", tenant.url, tenant.reason]);
  }
  return rows.length > 1 ? table(rows) : "";
}

/** The replicas' reasons stand in their own rows. */
function editorReason(cluster: ClusterStatus): string {
  return cluster.reason.startsWith("editor: ") ? (cluster.reason.split("; ")[0] ?? "") : "";
}

function components(status: Status): string {
  const rows = Object.entries(status.components).map(([name, one]) => [
    name,
    paintState(one.state),
    one.reason,
  ]);
  return table(rows);
}
