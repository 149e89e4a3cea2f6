/**
 * Run while the image is built: starts Node-RED once, without a store and with all its nodes, so that
 * the compile cache holds all code that a process may load. As the user of the container: the cache folder's name ends in
 * the uid. The environment is that of the image (NODE_COMPILE_CACHE).
 */
import { createServer } from "node:http";
import { flushCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { firstStart } from "./deploys.ts";
import { parseEnvironment } from "./environment.ts";
import { LazyNodes } from "./lazy-nodes.ts";
import { createLoneLeaders } from "./leader/alone.ts";
import { createLogger } from "./log.ts";
import { loadNodeRed } from "./node-red.ts";
import { createSettings, prepareUserDir } from "./settings.ts";
import { openStore } from "./store/open.ts";
import "./launch.ts";

const nothing = async () => ({});
const storageModule = {
  init: nothing,
  getFlows: async () => [],
  getCredentials: nothing,
  getSettings: nothing,
  saveSettings: nothing,
  getSessions: nothing,
  saveSessions: nothing,
};

const log = createLogger("warn", { component: "warm" });
const config = parseEnvironment({ ...process.env, REDFLEET_USER_DIR: tmpdir() });
prepareUserDir(config.userDir);
const store = openStore(config, "warm", log);
const nodes = new LazyNodes({ editor: true, log });
const red = loadNodeRed();
const adminAuth = { type: "credentials", users: [] };
const leaders = createLoneLeaders(async () => 1);
const settings = {
  config,
  secret: "warm",
  storageModule,
  adminAuth,
  log,
  leaders,
  userDir: tmpdir,
};
red.init(createServer(), createSettings(settings));
const started = firstStart(red.events);
await red.start();
await started;
nodes.loadAll();
await store.close();
flushCompileCache();
process.exit(0);
