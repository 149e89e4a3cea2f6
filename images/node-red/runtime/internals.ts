/**
 * Everything that reaches behind Node-RED's documented API, in one place. The two majors agree on
 * all of it (@node-red/runtime of 4.1.15 and 5.0.7: flows/index.js, flows/util.js and
 * nodes/credentials.js are the same); the tests of the runtime run on both.
 */
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import vm from "node:vm";
import type { FlowNode, Handler, NodeRed } from "./node-red.ts";

const require = createRequire(import.meta.url);

/** Node-RED's parsed form of a flow set. */
export interface ParsedFlows {
  allNodes: Record<string, FlowNode>;
}

/** Node-RED's own answer to what a deploy changes: ids of nodes, tabs and groups. */
export interface FlowDiff {
  added: string[];
  changed: string[];
  removed: string[];
  rewired: string[];
  linked: string[];
  flowChanged: string[];
  globalConfigChanged: boolean;
}

/** One comparison that Node-RED made on the way to a deploy. */
export interface Comparison {
  before: ParsedFlows | null;
  after: ParsedFlows;
  diff: FlowDiff;
}

interface FlowUtil {
  parseConfig(flows: FlowNode[]): ParsedFlows;
  diffConfigs(before: ParsedFlows | null, after: ParsedFlows): FlowDiff;
}

/** Sees, and may add to, each diff that Node-RED computes: flows/index.js calls it as a property. */
export function onFlowDiff(listener: (comparison: Comparison) => void): void {
  const util = require("@node-red/runtime/lib/flows/util") as FlowUtil;
  const original = util.diffConfigs;
  util.diffConfigs = (before, after) => {
    const diff = original(before, after);
    listener({ before, after, diff });
    return diff;
  };
}

/**
 * May change each flow set before Node-RED makes its parsed form, from which it starts nodes.
 * flows/index.js calls it as a property, and hands it a copy of what it stores.
 */
export function beforeParse(change: (flows: FlowNode[]) => void): void {
  const util = require("@node-red/runtime/lib/flows/util") as FlowUtil;
  const original = util.parseConfig;
  util.parseConfig = (flows) => {
    change(flows);
    return original(flows);
  };
}

interface FlowsModule {
  setFlows(...args: unknown[]): Promise<unknown>;
  loadFlows(...args: unknown[]): Promise<unknown>;
}

/** Wraps the two ways by which the admin API replaces flows as a whole. */
export function wrapDeploys(
  red: NodeRed,
  around: {
    setFlows(type: unknown, deploy: () => Promise<unknown>): Promise<unknown>;
    loadFlows(deploy: () => Promise<unknown>): Promise<unknown>;
  },
): void {
  const flows = (red.runtime as unknown as { _: { flows: FlowsModule } })._.flows;
  const { setFlows, loadFlows } = flows;
  // (config, credentials, type, muteLog, forceStart, user); the type may come second.
  flows.setFlows = (...args) => {
    const type = typeof args[1] === "string" ? args[1] : args[2];
    return around.setFlows(type, () => setFlows(...args));
  };
  flows.loadFlows = (...args) => around.loadFlows(() => loadFlows(...args));
}

/** Waits before each change of flows, the API for single ones included, for what they need first. */
export function beforeFlows(red: NodeRed, prepare: (flows: unknown) => Promise<void>): void {
  const { flows } = (red.runtime as unknown as { _: { flows: Record<string, Method> } })._;
  for (const [name, place] of Object.entries({ setFlows: 0, addFlow: 0, updateFlow: 1 })) {
    const original = flows[name] as Method;
    flows[name] = async (...args) => {
      await prepare(args[place]);
      return original(...args);
    };
  }
}

type Method = (...args: unknown[]) => Promise<unknown>;

/**
 * Puts the credentials in memory back to what is stored. A deploy merges new values into memory
 * before it saves; when the save fails they would stay there, marked as saved.
 */
export async function resetCredentials(stored: object): Promise<void> {
  const credentials = require("@node-red/runtime/lib/nodes/credentials") as {
    load(credentials: object): Promise<void>;
  };
  await credentials.load(stored);
}

interface ExternalModules {
  register(type: string, property: string): void;
  registerSubflow(type: string, subflow: object): void;
  checkFlowDependencies(flows: FlowNode[]): Promise<void>;
}

/**
 * Before each start of flows Node-RED looks for modules that nodes name, in a slow deep copy of the
 * whole flow set: a quarter of a deploy's time at 3,100 nodes. It is shown only the nodes that it
 * would find something in. Must be called before the module `node-red` is loaded.
 */
export function narrowDependencyCheck(): void {
  const external = require("@node-red/registry/lib/externalModules") as ExternalModules;
  const { register, registerSubflow, checkFlowDependencies } = external;
  const properties = new Map<string, string>();
  const subflows = new Set<string>();
  external.register = (type, property) => {
    properties.set(type, property);
    register(type, property);
  };
  external.registerSubflow = (type, subflow) => {
    subflows.add(type);
    registerSubflow(type, subflow);
  };
  const mayName = (node: FlowNode) => {
    const named = node[properties.get(node.type) ?? ""];
    return subflows.has(node.type) || (Array.isArray(named) ? named.length > 0 : Boolean(named));
  };
  external.checkFlowDependencies = (flows) => checkFlowDependencies(flows.filter(mayName));
}

/** A route of Express 4, as the router keeps it. */
interface Layer {
  match(path: string): boolean;
  route?: { path: string; methods: Record<string, boolean>; _handles_method(m: string): boolean };
}

/** The route that would answer; null when none would. The HTTP nodes register plain routes. */
export function findRoute(app: Handler, method: string, path: string) {
  const router = (app as unknown as { _router?: { stack: Layer[] } })._router;
  for (const layer of router?.stack ?? []) {
    if (layer.route?._handles_method(method) && layer.match(path)) return layer.route;
  }
  return null;
}

/** bcrypt in plain JavaScript, the one that Node-RED's own login uses; hands the loop back in between. */
export function comparePassword(password: string, hash: string): Promise<boolean> {
  const bcrypt = require("bcryptjs") as { compare(a: string, b: string): Promise<boolean> };
  return bcrypt.compare(password, hash);
}

/** Rounds of bcrypt: about 60 ms a guess on one core. Node-RED's own tool uses 8. */
const ROUNDS = 10;

/** The hash of a password as its login compares it. */
export function hashPassword(password: string): Promise<string> {
  const bcrypt = require("bcryptjs") as { hash(password: string, rounds: number): Promise<string> };
  return bcrypt.hash(password, ROUNDS);
}

/**
 * Gives the code of function nodes a global. Their sandbox is made by `vm.createContext` and is
 * known by its `__node__`; settings only reach `global.get()`.
 */
export function addFunctionGlobal(name: string, value: object): void {
  const original = vm.createContext;
  vm.createContext = ((sandbox?: vm.Context, ...rest: []) => {
    if (sandbox && "__node__" in sandbox) sandbox[name] = value;
    return original(sandbox, ...rest);
  }) as typeof vm.createContext;
}

/** A login, as Node-RED keeps it. */
export interface LoginSession {
  user: string;
  /** In milliseconds since 1970. */
  expires: number;
}

interface Tokens {
  get(token: string): Promise<LoginSession | null | undefined>;
}

/**
 * Takes a login for over that does not pass. Node-RED looks only whether the user still exists, and keeps
 * the rights that the user had at the login (@node-red/editor-api, lib/auth/tokens.js).
 */
export function checkSessions(
  red: NodeRed,
  passes: (session: LoginSession) => Promise<boolean>,
): void {
  const tokens = require("@node-red/editor-api/lib/auth/tokens") as Tokens;
  const { get } = tokens;
  tokens.get = async (token) => {
    const session = await get(token);
    return session && (await passes(session)) ? session : null;
  };
  void closeEnded(openEditors(red), tokens);
}

/** An open editor's websocket, and the token that it logged in with (@node-red/editor-api, lib/editor/comms.js). */
interface OpenEditor {
  token?: string;
  ws: { send(text: string): void; close(): void };
}

type ToConnection = (options: { client: OpenEditor }) => Promise<void>;

/** The editors that are open, as they come and go. */
function openEditors(red: NodeRed): ReadonlySet<OpenEditor> {
  const { comms } = red.runtime as unknown as {
    comms: { addConnection: ToConnection; removeConnection: ToConnection };
  };
  const { addConnection, removeConnection } = comms;
  const open = new Set<OpenEditor>();
  comms.addConnection = (options) => {
    open.add(options.client);
    return addConnection(options);
  };
  comms.removeConnection = (options) => {
    open.delete(options.client);
    return removeConnection(options);
  };
  return open;
}

/** Open editors are looked at this often. */
const LOOK_MS = 1000;

/**
 * Ends open editors with their login, as Node-RED does when a day has passed: it asks for the token only when
 * the websocket opens, and would send messages as long as that stays open.
 */
async function closeEnded(open: ReadonlySet<OpenEditor>, tokens: Tokens): Promise<never> {
  for (;;) {
    await sleep(LOOK_MS, undefined, { ref: false });
    for (const { token, ws } of open) {
      // No answer is no end: with the store away nobody is logged out.
      if (token === undefined || (await tokens.get(token).catch(() => true))) continue;
      ws.send(JSON.stringify({ auth: "fail" }));
      ws.close();
    }
  }
}
