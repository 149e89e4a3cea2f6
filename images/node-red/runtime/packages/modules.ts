/**
 * Node-RED's own registry of modules: what is loaded, and how to change that in a running process.
 * Reaches behind the documented API (@node-red/registry of 4.1.15 and 5.0.7, lib/index.js, lib/loader.js
 * and lib/localfilesystem.js agree): a module is looked for in `<settings.userDir>/node_modules`.
 */
import { createRequire } from "node:module";
import { type FlowDiff, onFlowDiff } from "../internals.ts";
import { reasonOf } from "../log.ts";
import type { FlowNode, NodeRed } from "../node-red.ts";

const require = createRequire(import.meta.url);

interface ModuleInfo {
  version: string;
  nodes: { types: string[]; err?: unknown }[];
}

interface ModuleRegistry {
  addModule(name: string): Promise<ModuleInfo>;
  removeModule(name: string): unknown;
  getModuleInfo(name: string): ModuleInfo | null;
  checkFlowDependencies(flows: FlowNode[]): Promise<void>;
}

const registry = () => require("@node-red/registry") as ModuleRegistry;

/** Node types of a module that is loaded. */
export function typesOf(name: string): string[] {
  return (
    registry()
      .getModuleInfo(name)
      ?.nodes.flatMap(({ types }) => types) ?? []
  );
}

/** Loads a module from the folder that is Node-RED's now; says what of it could not be loaded. */
async function loadModule(name: string): Promise<string[]> {
  if (registry().getModuleInfo(name)) return [];
  try {
    await registry().addModule(name);
  } catch (error) {
    return [`${name}: ${reasonOf(error)}`];
  }
  const info = registry().getModuleInfo(name);
  if (!info) return [`${name}: not for this version of Node-RED`];
  return info.nodes.flatMap(({ err }) => (err ? [`${name}: ${String(err)}`] : []));
}

/** Loads modules one by one: one may load others that it depends on. Says what could not be loaded. */
export async function loadModules(names: Iterable<string>): Promise<string[]> {
  const problems: string[] = [];
  for (const name of names) problems.push(...(await loadModule(name)));
  return problems;
}

/** Forgets a module; its nodes that run go on running. */
export function unloadModule(name: string): void {
  if (registry().getModuleInfo(name)) registry().removeModule(name);
}

/** Types in `flows` that nothing provides. Asking for a type is what makes Node-RED know it. */
export function missingTypes(red: NodeRed, flows: readonly FlowNode[]): string[] {
  const builtIn = new Set(["tab", "group", "subflow"]);
  for (const node of flows) if (node.type === "subflow") builtIn.add(`subflow:${node.id}`);
  const types = new Set(flows.map((node) => node.type));
  return [...types].filter((type) => !builtIn.has(type) && !red.nodes.getType(type)).sort();
}

interface Missing {
  module: { spec: string };
  error: { code?: string; message?: string };
}

/**
 * Modules that function nodes want and cannot have, with the reason. Where it may, Node-RED installs what
 * is missing: that is why an editor asks before it saves.
 */
export async function missingFunctionModules(red: NodeRed, flows: FlowNode[]): Promise<string[]> {
  const asking = flows.filter(({ libs }) => Array.isArray(libs) && libs.length > 0);
  if (asking.length === 0) return [];
  try {
    // A type tells where its modules stand when its code is loaded.
    for (const { type } of asking) red.nodes.getType(type);
    await registry().checkFlowDependencies(asking);
    return [];
  } catch (error) {
    if (!Array.isArray(error)) throw error;
    return (error as Missing[]).map(
      ({ module, error: { code, message } }) =>
        `${module.spec} (${reasons[code ?? ""] ?? message})`,
    );
  }
}

const reasons: Record<string, string> = {
  install_not_allowed: "not installed, and not allowed here",
  module_not_allowed: "not allowed here",
  unexpected_error: "could not be installed",
  "404": "no such module",
};

/**
 * Makes the next deploy restart the nodes of given types: their code has changed, their configuration may
 * not have. Must be made before Node-RED starts.
 */
export function typeRestarts(): { mark(types: Iterable<string>): void } {
  let marked = new Set<string>();
  onFlowDiff(({ after, diff }) => {
    if (marked.size > 0) addChanged(Object.values(after.allNodes), diff, marked);
    marked = new Set();
  });
  return { mark: (types) => (marked = new Set([...marked, ...types])) };
}

/** A node of a subflow restarts with the subflow's instances: they are what runs. */
function addChanged(nodes: FlowNode[], diff: FlowDiff, types: Set<string>): void {
  const wanted = new Set(types);
  const subflows = new Set(nodes.flatMap(({ id, type }) => (type === "subflow" ? [id] : [])));
  const inside = nodes.filter(({ z }) => z !== undefined && subflows.has(z));
  for (let size = -1; size !== wanted.size; ) {
    size = wanted.size;
    for (const { type, z } of inside) if (wanted.has(type)) wanted.add(`subflow:${z}`);
  }
  for (const { id, type } of nodes) {
    if (wanted.has(type) && !diff.changed.includes(id)) diff.changed.push(id);
  }
}
