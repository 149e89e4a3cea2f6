/**
 * The whole palette, and only the code that flows use. Node-RED knows its core nodes by their
 * templates; their code, half of a start's time and a third of its memory, is loaded when the first
 * flow with one of their types is parsed. All but one are plain CommonJS that registers at once, so a
 * type can be loaded in the very call that asks for it, and nothing else in Node-RED has to know.
 *
 * Reaches behind Node-RED's API (@node-red/registry of 4.1.15 and 5.0.7, lib/registry.js and
 * lib/loader.js): the loader adds a module to the registry before it loads the code of its enabled
 * node sets, and saves the list of nodes after.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import { type Logger, reasonOf } from "./log.ts";

const require = createRequire(import.meta.url);

/** A node file with its types, as the registry keeps it. */
interface NodeSet {
  id: string;
  file: string;
  types: string[];
  enabled: boolean;
  loaded?: boolean;
  err?: unknown;
  /** Its template for the editor, and the help by language. */
  config: string;
  help: Record<string, string>;
}

interface Registry {
  addModule(module: { name: string; nodes: Record<string, NodeSet> }): void;
  saveNodeList(): Promise<unknown>;
  getNodeConstructor(type: string): unknown;
  getTypeId(type: string): string | null;
}

export interface LazyNodesOptions {
  /** The process serves an editor, so what a node file does besides registering types counts. */
  editor: boolean;
  log: Logger;
}

/** Types that are no node: asking for them is no reason to load anything. */
const NO_NODES = new Set(["tab", "group", "subflow"]);
/** What an editor needs of a node file before any flow uses it: routes, libraries, settings, plugins. */
const WANTED_BY_EDITOR = /\bRED\.(httpAdmin|library|plugins|hooks)\b|\bsettings\s*:/;
/** Also hands every node's warnings and errors to the debug sidebar. */
const DEBUG = "node-red/debug";
/** Registers its types later (http request, for an ES module): {@link LazyNodes.prepare} loads it. */
const ASYNCHRONOUS = /\bmodule\.exports\s*=\s*async\b/;

/** Types of nodes, also in the form that the API for single flows has. */
function* typesOf(nodes: unknown): Generator<string> {
  if (Array.isArray(nodes)) for (const node of nodes) yield* typesOf(node);
  else if (typeof nodes === "object" && nodes !== null) {
    const { type, nodes: within, configs, subflows } = nodes as Record<string, unknown>;
    if (typeof type === "string") yield type;
    for (const list of [within, configs, subflows]) if (Array.isArray(list)) yield* typesOf(list);
  }
}

/** Node files whose code waits for its first use. */
export class LazyNodes {
  private readonly options: LazyNodesOptions;
  private readonly folder = dirname(require.resolve("@node-red/nodes")) + sep;
  private readonly waiting = new Map<string, NodeSet>();
  /** Those of them that register their types later. */
  private readonly slow = new Set<string>();
  /** Told to the loader as disabled, until it has passed them. */
  private readonly hidden = new Set<NodeSet>();

  /** Must be made before the module `node-red` is loaded: it takes the registry's functions by value. */
  constructor(options: LazyNodesOptions) {
    this.options = options;
    const registry = require("@node-red/registry/lib/registry") as Registry;
    const { addModule, saveNodeList, getNodeConstructor } = registry;
    registry.addModule = (module) => {
      for (const set of Object.values(module.nodes)) if (this.mayWait(set)) this.hide(set);
      addModule(module);
    };
    registry.saveNodeList = () => {
      this.unhide();
      return saveNodeList();
    };
    registry.getNodeConstructor = (type) => {
      this.provide(type, registry.getTypeId(type));
      return getNodeConstructor(type);
    };
  }

  /** Files whose code has not been loaded. */
  get waitingCount(): number {
    return this.waiting.size;
  }

  /** Only core nodes: what others do when they are loaded is theirs to decide. */
  private mayWait({ id, file, enabled, err }: NodeSet): boolean {
    if (!enabled || err || id === DEBUG || !file.startsWith(this.folder)) return false;
    const source = readFileSync(file, "utf8");
    if (this.options.editor && WANTED_BY_EDITOR.test(source)) return false;
    if (ASYNCHRONOUS.test(source)) this.slow.add(id);
    return true;
  }

  private hide(set: NodeSet): void {
    set.enabled = false;
    this.hidden.add(set);
    this.waiting.set(set.id, set);
  }

  /** From here on they are enabled and, for all that Node-RED asks, loaded. */
  private unhide(): void {
    for (const set of this.hidden) {
      set.enabled = true;
      set.loaded = true;
      // The types are known by now, and nobody asks a process without an editor for more.
      if (!this.options.editor) Object.assign(set, { config: "", help: {} });
    }
    this.hidden.clear();
  }

  private provide(type: string, id: string | null): void {
    if (this.waiting.size === 0 || NO_NODES.has(type)) return;
    // A type that no template tells of may still be registered by some code.
    if (id === null) void this.loadAll();
    else void this.load(id);
  }

  /** Loads what flows need and what would register too late for the call that asks for its types. */
  async prepare(flows: unknown): Promise<void> {
    const wanted = [...this.slow].filter((id) => this.waiting.has(id));
    if (wanted.length === 0) return;
    const types = new Set(typesOf(flows));
    const needed = wanted.filter((id) => this.waiting.get(id)?.types.some((it) => types.has(it)));
    await Promise.all(needed.map((id) => this.load(id)));
  }

  /** Loads everything that still waits. */
  async loadAll(): Promise<void> {
    await Promise.all([...this.waiting.keys()].map((id) => this.load(id)));
  }

  /** Done when it returns, but for what registers its types later. */
  private async load(id: string): Promise<void> {
    const set = this.waiting.get(id);
    // Somebody has disabled it; it waits for the day when it is enabled again.
    if (!set?.enabled) return;
    this.waiting.delete(id);
    try {
      const code = require(set.file);
      const register = code.__esModule ? code.default : code;
      const { createNodeApi } = require("@node-red/registry/lib/util");
      if (typeof register === "function") await register(createNodeApi(set));
    } catch (error) {
      set.err = error;
      this.options.log.warn("a node could not be loaded", { id, reason: reasonOf(error) });
    }
  }
}
