/**
 * The rehearsal of a start while the image is built: a whole launch with a few flows and no store, then some
 * requests. It says which modules a start needs, and leaves compiled code behind: of these in one file, of
 * everything else that a process may load later in Node's compile cache. Runs as the user of the container:
 * the name of the cache's folder ends in the uid.
 */
import { writeFileSync } from "node:fs";
import { createRequire, flushCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { types } from "node:util";
import { launch } from "./launch.ts";
import type { FlowNode } from "./node-red.ts";
import type { Trials } from "./store/trials.ts";
import type { FlowSet, FlowStore } from "./store/types.ts";

const PORTS = { REDFLEET_HTTP_PORT: "28180", REDFLEET_HEALTH_PORT: "28181" };
const SECONDS = 60;

const at = { z: "tab", x: 1, y: 1 };

/** What most flows have. */
const flows: FlowNode[] = [
  { id: "tab", type: "tab", label: "rehearsal", disabled: false, info: "" },
  { id: "get", type: "http in", url: "/get", method: "get", wires: [["function"]], ...at },
  { id: "post", type: "http in", url: "/post", method: "post", wires: [["function"]], ...at },
  {
    ...{ id: "function", type: "function", func: "msg.payload = { done: true }; return msg;" },
    ...{ outputs: 1, libs: [], initialize: "", finalize: "", wires: [["answer"]], ...at },
  },
  { id: "answer", type: "http response", wires: [], headers: {}, statusCode: "", ...at },
];

const stored: FlowSet = {
  ...{ revision: 1, flows: JSON.stringify(flows), credentials: "{}", user: null },
  ...{ at: new Date(0), digest: "", writeId: "" },
};

const nothing = async () => undefined;

const trials: Trials = {
  take: async (version, worker) => ({ ...version, state: "applied", worker, failures: 0 }),
  end: nothing,
  fail: async (version, worker) => ({ ...version, state: "held", worker, failures: 1 }),
  list: async () => [],
};

/** A store that holds the flows above and forgets all that it is given. */
const store: FlowStore = {
  connect: nothing,
  read: async () => stored,
  commit: async (_, next) => ({ ...next, revision: 1, at: stored.at }),
  history: async () => [],
  readRevision: async () => null,
  watch: () => {},
  readDocument: nothing,
  writeDocument: nothing,
  readLibrary: async () => [],
  writeLibrary: nothing,
  findUser: async () => null,
  writeUser: nothing,
  removeUser: nothing,
  users: async () => [],
  reportWorker: nothing,
  removeWorker: nothing,
  takeTurn: async (worker) => worker,
  endTurn: nothing,
  workers: async () => [],
  trials,
  nextFence: async () => 1,
  close: nothing,
};

function setEnvironment(): void {
  const uri = join(tmpdir(), "rehearsal-uri");
  writeFileSync(uri, "mongodb://none");
  Object.assign(process.env, PORTS, {
    REDFLEET_ROLE: "instance",
    REDFLEET_NAME: "rehearsal",
    REDFLEET_LOG_LEVEL: "warn",
    REDFLEET_USER_DIR: join(tmpdir(), "rehearsal"),
    REDFLEET_MONGODB_URI_FILE: uri,
    REDFLEET_MONGODB_DATABASE: "rehearsal",
  });
}

async function ask(path: string, init?: RequestInit): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${PORTS.REDFLEET_HTTP_PORT}${path}`, init);
  await answer.arrayBuffer();
  return answer.status;
}

/** The answers depend on nothing but the code: a wrong one must not become an image. */
async function request(): Promise<void> {
  const json = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
  for (let round = 0; round < 3; round++) {
    const answers = [await ask("/get?a=1"), await ask("/post", json), await ask("/")];
    if (answers.some((status) => status !== 200)) throw new Error(`answers: ${answers}`);
  }
}

async function serving(): Promise<void> {
  const url = `http://127.0.0.1:${PORTS.REDFLEET_HEALTH_PORT}/readyz`;
  for (let tries = 0; tries < SECONDS * 20; tries++) {
    const ready = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    await pause(50);
  }
  throw new Error(`nothing is served after ${SECONDS} s`);
}

/** `require` can load ES modules as well. */
function loadedScripts(): string[] {
  const modules = Object.entries(createRequire(import.meta.url).cache);
  const scripts = modules.filter(([, module]) => !types.isModuleNamespaceObject(module?.exports));
  return scripts.map(([name]) => name);
}

/** @param list file for the names of the modules that were loaded. */
export async function rehearse(list: string): Promise<void> {
  setEnvironment();
  const nodes = await launch(() => store);
  await serving();
  await request();
  writeFileSync(list, JSON.stringify(loadedScripts()));
  await nodes.loadAll();
  flushCompileCache();
  process.exit(0);
}
