import type { Command } from "commander";
import { sumOfLimits } from "../../config/rules/capacity.ts";
import { globals } from "../context.ts";
import { checkCertificates } from "../doctor/certificates.ts";
import { type Check, fail } from "../doctor/check.ts";
import { checkEngine, type EngineInfo, judgeMemory } from "../doctor/engine.ts";
import { checkStackFiles } from "../doctor/files.ts";
import { checkNetwork, judgeRoom } from "../doctor/network.ts";
import { checkData, foreign } from "../doctor/ownership.ts";
import { judgeParts } from "../doctor/parts.ts";
import { checkState } from "../doctor/state.ts";
import { checkTools } from "../doctor/tools.ts";
import { connectedEngine, type Engine } from "../engine/client.ts";
import { fetchCa, readAbsence } from "../engine/knowledge.ts";
import { readRoom } from "../engine/pools.ts";
import { readStack, type StackView } from "../engine/view.ts";
import { explain } from "../errors.ts";
import { paint, paintState, printJson, table } from "../output.ts";
import { strangersOf } from "../pulumi/owner.ts";
import { declaredPlatform } from "../stackfile/declared.ts";

/** `redfleet doctor`: everything that may keep the platform from coming up or staying up. */
export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .description("check the tools, the engine, the network, the state and every stack file")
    .action(async (_options: unknown, command: Command) => {
      const { stack, json } = globals(command);
      const checks = await examine(stack);
      if (json) printJson({ stack, checks });
      else console.log(renderChecks(checks));
      if (checks.some((check) => check.verdict === "fail")) process.exitCode = 1;
    });
}

/** Runs every check; one that breaks becomes a finding, so the others are still seen. */
async function examine(stack: string): Promise<Check[]> {
  const docker = await connectedEngine().catch((error: unknown) => engineDown(error));
  const groups = [
    guarded("tools", checkTools),
    "ping" in docker ? guarded("engine", () => checkEngine(docker)) : [docker],
    "ping" in docker ? guarded("declaration", () => checkDeclared(docker, stack)) : [],
    guarded("state", () => checkState(stack)),
    guarded("stack files", checkStackFiles),
  ];
  return (await Promise.all(groups)).flat();
}

function engineDown(error: unknown): Check {
  const { what, why, fix } = explain(error);
  return fail("engine", why ? `${what} (${why})` : what, fix ?? "");
}

async function guarded(name: string, check: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await check();
  } catch (error) {
    const { what, why, fix } = explain(error);
    return [fail(name, why ? `${what}: ${why}` : what, fix ?? "")];
  }
}

/** What the stack file wants of this host: memory, ports, names; and how the edge does so far. */
async function checkDeclared(docker: Engine, stack: string): Promise<Check[]> {
  const declared = await declaredPlatform(stack);
  const [room, strangers, running, info] = await Promise.all([
    readRoom(docker, stack, declared.tenants),
    strangersOf(docker, stack),
    docker.listContainers(),
    docker.info() as Promise<EngineInfo>,
  ]);
  const view = strangers ? nothingOf(stack) : await readStack(docker, stack);
  const own = ownPorts(view);
  const edge = { ...declared.edge, domain: declared.domain };
  const address = edge.address === "0.0.0.0" ? "127.0.0.1" : edge.address;
  const host = view.routes[0]?.hosts[0];
  const served = host && own.has(edge.https) ? { host, address, port: edge.https } : undefined;
  return [
    judgeMemory("memory declared", sumOfLimits(declared) * 2 ** 20, info.MemTotal),
    judgeRoom(room),
    ...(strangers
      ? [foreign("containers", strangers)]
      : [
          judgeParts(view, declared, await readAbsence(stack)),
          ...(await checkData(docker, stack)),
        ]),
    ...(await checkNetwork(edge, own, running)),
    ...(await checkCertificates(await fetchCa(docker, view, edge.tls), served)),
  ];
}

const nothingOf = (stack: string): StackView => ({
  stack,
  parts: [],
  routes: [],
  volumes: [],
  networks: [],
});

function ownPorts(view: StackView): Set<number> {
  const edges = view.parts.filter((part) => part.component === "edge" && part.status === "running");
  return new Set(edges.flatMap((part) => Object.values(part.ports)));
}

/** The findings as a table, and what to do about those that are not well. */
export function renderChecks(checks: readonly Check[]): string {
  const rows = checks.flatMap(({ name, verdict, detail, fix }) => {
    const [first = "", ...more] = detail.split("\n");
    const [way = "", ...steps] = fix.split("\n");
    const todo = fix ? [`-> ${way}`, ...steps.map((line) => `   ${line}`)] : [];
    const below = [...more, ...todo.map((line) => paint("dim", line))].map((line) => [
      "",
      "",
      line,
    ]);
    return [[paintState(verdict), name, first], ...below];
  });
  const count = (verdict: string) => checks.filter((check) => check.verdict === verdict).length;
  return `${table(rows)}\n\n${count("ok")} ok, ${count("warn")} warn, ${count("fail")} fail`;
}
