import { canonicalJson } from "../../config/canonical.ts";
import { physicalName } from "../../config/names.ts";
import type { EdgeConfig } from "../../config/sections/edge.ts";
import { commonEnvironment, type PlanContext } from "../context.ts";
import { healthCheck, IMAGE_HEALTH } from "../health.ts";
import { sealVolume } from "../seal.ts";
import type { FileContent, Mount, Volume, Workload, WorkloadFile } from "../target/types.ts";
import { issuerMounts, type Store } from "../tls.ts";

const HTTP_PORT = 8080;
const HTTPS_PORT = 8443;
const MEGABYTE = 1024 * 1024;

/** Certificate and key where the configuration gives files. */
export interface GivenCertificate {
  readonly certificate: FileContent;
  readonly key: FileContent;
}

/** Volumes that the agent writes: the proxy's configuration and sockets, the seal, the authority. */
export function planEdgeVolumes(id: string, { stack }: PlanContext): Volume[] {
  const volume = (suffix: string, name: string, durability: Volume["durability"]): Volume => ({
    id: `${id}.${suffix}`,
    name,
    identity: { stack, component: "agent" },
    durability,
  });
  return [
    volume("config", volumeNames(stack).config, "scratch"),
    volume("run", volumeNames(stack).run, "scratch"),
    volume("seal", sealVolume(stack), "scratch"),
    // Browsers trust this authority: a new one would have to be installed everywhere again.
    volume("ca", volumeNames(stack).ca, "protected"),
  ];
}

/** What the agent needs to know beside the edge's settings. */
interface AgentConfig extends EdgeConfig {
  /** Stores whose members get certificates. */
  readonly stores: readonly Store[];
  readonly externalServers: FileContent | undefined;
}

/** The agent: owns routes, certificates, tenant networks and the firewall. The edge runs on without it. */
export function planAgent(
  id: string,
  context: PlanContext,
  config: AgentConfig,
  given: GivenCertificate | undefined,
): Workload {
  const { stack, subnet } = context;
  const volumes = volumeNames(stack);
  return {
    id,
    name: physicalName(stack, "agent"),
    identity: { stack, component: "agent" },
    image: "agent",
    command: ["node", "/app/agent.ts"],
    environment: {
      ...commonEnvironment(stack, "agent"),
      REDFLEET_DOMAIN: context.domain,
      REDFLEET_SUBNET: subnet,
      REDFLEET_EDGE_SETTINGS_FILE: "/run/redfleet/edge.json",
      ...(config.externalServers === undefined
        ? {}
        : { REDFLEET_EXTERNAL_STORES_FILE: "/run/redfleet/external-stores" }),
      ...(config.stores.length > 0 ? { REDFLEET_STORE_TLS: config.stores.join(",") } : {}),
    },
    // Root without capabilities; the group is the proxy's, whose files and sockets it writes.
    user: { uid: 0, gid: 99 },
    memory: config.agentMemory,
    pids: 128,
    mounts: [
      { volume: volumes.config, path: "/edge" },
      { volume: volumes.run, path: "/run/edge" },
      { volume: volumes.ca, path: "/ca" },
      { volume: sealVolume(stack), path: "/seal" },
      ...issuerMounts(stack, config.stores),
    ],
    files: agentFiles(context, config, given),
    networks: [],
    capabilities: ["NET_ADMIN"],
    health: healthCheck(["/app/health"]),
    waitSeconds: 120,
    graceSeconds: 10,
    engineAccess: true,
  };
}

/** The proxy. Nothing of a tenant or cluster is in its plan: routes reach it through the agent. */
export function planEdge(id: string, context: PlanContext, config: EdgeConfig): Workload {
  const { stack, networks } = context;
  const volumes = volumeNames(stack);
  const mounts: Mount[] = [
    { volume: volumes.config, path: "/edge", readOnly: true },
    { volume: volumes.run, path: "/run/edge" },
  ];
  return {
    id,
    name: physicalName(stack, "edge"),
    identity: { stack, component: "edge" },
    image: "edge",
    command: ["/redfleet/start"],
    environment: commonEnvironment(stack, "edge"),
    user: { uid: 99, gid: 99 },
    memory: config.memory,
    pids: 128,
    openFiles: openFilesFor(config.memory),
    mounts,
    networks: [{ network: networks.edge }],
    ports: [
      { address: config.address, host: config.http, container: HTTP_PORT },
      { address: config.address, host: config.https, container: HTTPS_PORT },
    ],
    health: healthCheck(IMAGE_HEALTH),
    waitSeconds: 120,
    graceSeconds: 30,
  };
}

function agentFiles(
  context: PlanContext,
  config: AgentConfig,
  given: GivenCertificate | undefined,
): WorkloadFile[] {
  const settings = {
    domain: context.domain,
    httpPort: HTTP_PORT,
    httpsPort: HTTPS_PORT,
    publicHttpsPort: context.httpsPort,
    tls: { mode: config.tls.mode },
    bodyLimitBytes: config.bodyLimit * MEGABYTE,
    rateLimitPerSecond: config.rateLimitPerSecond,
    connectionsPerSource: config.connectionsPerSource,
    maxConnections: connectionsWithin(config.memory),
  };
  const { externalServers: servers } = config;
  return [
    { name: "edge.json", content: canonicalJson(settings) },
    ...(given === undefined ? [] : certificateFiles(given)),
    ...(servers === undefined ? [] : [{ name: "external-stores", content: servers }]),
  ];
}

/**
 * Connections that a proxy of so many MB can hold. Measured: 16 MB without any, then 34 KB for an idle
 * one with TLS and 55 KB for one with a body under way; a reload has two workers for a while.
 */
function connectionsWithin(memory: number): number {
  return Math.max(64, Math.floor(((memory - 48) * 1024) / 64));
}

/** Two for each connection. In powers of two, so that a little more memory is no other limit, which would replace the proxy. */
function openFilesFor(memory: number): number | undefined {
  const needed = 2 ** Math.ceil(Math.log2(2 * connectionsWithin(memory) + 1024));
  return needed > 16_384 ? needed : undefined;
}

function certificateFiles({ certificate, key }: GivenCertificate): WorkloadFile[] {
  return [
    { name: "tls.crt", content: certificate },
    { name: "tls.key", content: key },
  ];
}

function volumeNames(stack: string) {
  return {
    config: `${physicalName(stack, "edge")}-config`,
    run: `${physicalName(stack, "edge")}-run`,
    ca: `${physicalName(stack, "agent")}-ca`,
  };
}
