import { GivenCertificate } from "./certificates/given-files.ts";
import { ownCertificates } from "./certificates/own-authority.ts";
import { keepStoreCertificates } from "./certificates/stores.ts";
import { EdgeKeeper } from "./edge/apply.ts";
import { renderConfig } from "./edge/config.ts";
import type { ClusterRoute } from "./edge/input.ts";
import { routeMap, tenantAddresses } from "./edge/map.ts";
import { ProxyRuntime } from "./edge/runtime.ts";
import type { EngineClient } from "./engine/client.ts";
import { observe } from "./engine/observe.ts";
import { applyFirewall, removeFirewall, storesInForce } from "./firewall/apply.ts";
import { ExternalStores } from "./firewall/external.ts";
import { guardsSomebody } from "./firewall/rules.ts";
import { writeSeal } from "./firewall/seal.ts";
import { log, reason } from "./log.ts";
import { applyAttachments } from "./network/apply.ts";
import { PidsLimits } from "./pids.ts";
import { type BadRoute, parseRoutes, type Route } from "./routes.ts";
import type { Settings } from "./settings.ts";

const paths = { authority: "/ca", edge: "/edge" };
const storePaths = {
  authority: "/ca/stores",
  trust: "/stores/trust",
  mongodb: "/stores/mongodb",
  valkey: "/stores/valkey",
};

/** Brings everything that the agent keeps to what the stack wants, one part after the other. */
export class Reconciler {
  readonly #engine: EngineClient;
  readonly #settings: Settings;
  readonly #pids: PidsLimits;
  readonly #edge: EdgeKeeper;
  readonly #given = new GivenCertificate();
  readonly #stores: ExternalStores;
  #reportedBad = "";

  /** `later` asks for another round in so many milliseconds. */
  constructor(engine: EngineClient, settings: Settings, later: (ms: number) => void) {
    this.#engine = engine;
    this.#settings = settings;
    this.#pids = new PidsLimits(engine);
    this.#stores = new ExternalStores(settings.externalStoresFile, () => later(0));
    this.#edge = new EdgeKeeper(new ProxyRuntime(), later);
  }

  /**
   * One round. The firewall comes first: a tenant's network is sealed before anybody joins it, and before
   * the runtime in it loads a flow. A
   * part that fails is logged and does not keep the others from their work; true when none did.
   */
  async round(): Promise<boolean> {
    const observed = await observe(this.#engine, this.#settings.stack);
    const { routes, bad } = parseRoutes(observed.records);
    this.#reportBad(bad);
    this.#stores.refresh();
    const joined = await this.#part("networks", async () => {
      const { stack, subnet } = this.#settings;
      const stores = await this.#stores.endpoints(() => storesInForce(stack));
      await applyFirewall(observed, { stack, subnet, stores });
      writeSeal(observed, stack);
      await applyAttachments(this.#engine, observed);
    });
    const trusted = await this.#part("stores' certificates", () =>
      keepStoreCertificates(storePaths, observed, this.#settings),
    );
    const limited = await this.#part("process limits", () => this.#pids.apply(observed));
    const routed = await this.#part("edge", () =>
      this.#applyEdge(routes, tenantAddresses(observed.containers)),
    );
    return joined && trusted && limited && routed;
  }

  /**
   * The last act. An agent that goes because the stack goes takes its firewall along; one that is
   * replaced, or that goes down with the engine, leaves it to guard who is still there.
   */
  async leave(): Promise<void> {
    await this.#part("firewall", async () => {
      const { stack } = this.#settings;
      const observed = await observe(this.#engine, stack);
      if (!guardsSomebody(observed)) await removeFirewall(stack, "nobody is left to guard");
    });
  }

  async #part(name: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      log("error", `cannot keep the ${name}`, { reason: reason(error) });
      return false;
    }
  }

  async #applyEdge(routes: Route[], addresses: Map<string, string>): Promise<void> {
    const { edge: settings, stack } = this.#settings;
    const certificates = await this.#certificates(routes.flatMap((route) => route.hosts));
    if (!certificates) return;
    const clusters = routes.filter((route): route is ClusterRoute => route.kind === "cluster");
    const config = { settings, clusters, certificates: [...certificates.keys()], stack };
    await this.#edge.apply({
      config: renderConfig(config),
      map: routeMap(routes, settings, addresses),
      certificates,
    });
  }

  async #certificates(hosts: string[]): Promise<Map<string, string> | undefined> {
    const { edge, stack } = this.#settings;
    const { domain, tls } = edge;
    if (tls.mode === "files") {
      // Before the first route all that can be asked for is the domain.
      const needed = hosts.length ? hosts : [`*.${domain}`];
      return this.#given.choose(`${paths.edge}/tls.pem`, tls, needed);
    }
    return await ownCertificates(paths, { stack, domain, hosts, leafDays: tls.leafDays });
  }

  /** Says it once for each change, not every half minute. */
  #reportBad(bad: BadRoute[]): void {
    const text = JSON.stringify(bad);
    if (bad.length && text !== this.#reportedBad) log("error", "left out route records", { bad });
    this.#reportedBad = text;
  }
}
