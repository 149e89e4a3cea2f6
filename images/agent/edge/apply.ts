import { readText, writeIfChanged } from "../files.ts";
import { log } from "../log.ts";
import { fitting, type Live, syncCertificate, syncMap } from "./live.ts";
import { mapPath, renderMap } from "./map.ts";
import type { ProxyRuntime } from "./runtime.ts";

/** The edge as it should be. */
export interface WantedEdge extends Live {
  config: { text: string; digest: string };
}

const configPath = "/edge/haproxy.cfg";

/** Least time between two reloads in ms: each leaves a worker behind for its open websockets. */
const reloadPause = 2000;

/** Keeps the edge's files and the running proxy at what is wanted. */
export class EdgeKeeper {
  readonly #proxy: ProxyRuntime;
  readonly #later: (ms: number) => void;
  #reloadedAt = 0;
  #rejected: string | undefined;
  #running = true;

  /** `later` asks for another round in so many milliseconds. */
  constructor(proxy: ProxyRuntime, later: (ms: number) => void) {
    this.#proxy = proxy;
    this.#later = later;
  }

  /** Files first: they are what a restarted edge begins with, with or without an agent. */
  async apply(wanted: WantedEdge): Promise<void> {
    for (const [file, pem] of wanted.certificates) writeIfChanged(file, pem);
    writeIfChanged(mapPath, renderMap(wanted.map));
    const digest = await this.#proxy.digest();
    this.#noteRunning(digest !== undefined);
    if (digest === undefined) {
      if (wanted.config.digest !== this.#rejected) writeIfChanged(configPath, wanted.config.text);
      // No event tells when a starting proxy listens, nor which files it has read by then.
      this.#later(1000);
      return;
    }
    const current = digest === wanted.config.digest || (await this.#reload(wanted.config));
    // A configuration that waits or was refused holds up neither tenants nor certificates.
    const { map, certificates } = current ? wanted : await this.#fitting(wanted);
    await syncMap(this.#proxy, map);
    for (const [file, pem] of certificates) await syncCertificate(this.#proxy, file, pem);
  }

  async #fitting(wanted: Live): Promise<Live> {
    const backends = await this.#proxy.worker("show backend");
    const certificates = await this.#proxy.worker("show ssl cert");
    return fitting(wanted, { backends, certificates });
  }

  #noteRunning(running: boolean): void {
    if (running === this.#running) return;
    this.#running = running;
    log(running ? "info" : "warn", running ? "the edge answers" : "the edge is not running");
  }

  /** True when the wanted configuration runs afterwards. */
  async #reload(config: WantedEdge["config"]): Promise<boolean> {
    if (config.digest === this.#rejected) return false;
    const pause = this.#reloadedAt + reloadPause - Date.now();
    if (pause > 0) {
      this.#later(pause);
      return false;
    }
    const before = readText(configPath);
    writeIfChanged(configPath, config.text);
    const { done, output } = await this.#proxy.reload();
    this.#reloadedAt = Date.now();
    if (done) {
      log("info", "reloaded the proxy", {
        digest: config.digest,
        why: "its configuration changed",
      });
      return true;
    }
    await this.#restore(config.digest, before, output);
    return false;
  }

  /** The last good file comes back, on disk and in the master, which waits after a failed reload. */
  async #restore(digest: string, before: string | undefined, output: string): Promise<void> {
    this.#rejected = digest;
    log("error", "the proxy refused its configuration, the last one stays", { digest, output });
    if (before === undefined) return;
    writeIfChanged(configPath, before);
    await this.#proxy.reload();
  }
}
