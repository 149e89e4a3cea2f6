import { z } from "zod";
import { says } from "../problems.ts";
import { Address, count, Memory, memoryFrom, Port, pathOf } from "./values.ts";

const OwnCa = z.strictObject({
  mode: z
    .literal("ownCa")
    .describe("The agent keeps a certificate authority of its own and renews the wildcard."),
});

const PemFile = pathOf("a PEM file", "REDFLEET_CFG_TLS", "name the file");

const Files = z.strictObject({
  mode: z.literal("files").describe("A certificate and key from files."),
  certificate: PemFile.describe("PEM file: certificate for the domain and its wildcard, chain."),
  key: PemFile.describe("PEM file: private key, not encrypted."),
});

const TLS_RULE = says(
  "REDFLEET_CFG_TLS",
  'mode "ownCa" or "files"',
  "use {mode: ownCa} or {mode: files, certificate: ..., key: ...}",
);

/** The reverse proxy. Only `address`, `http` and `https` replace its container; the rest is reloaded. */
export const Edge = z.strictObject({
  address: Address.default("0.0.0.0").describe("Host address that the ports are published on."),
  https: Port.default(443).describe("HTTPS port on the host."),
  http: Port.default(80).describe("HTTP port on the host; it only redirects."),
  tls: z
    .discriminatedUnion("mode", [OwnCa, Files], TLS_RULE)
    .default({ mode: "ownCa" })
    .describe("Where the wildcard certificate comes from."),
  bodyLimit: Memory.prefault("10 MB").describe("Largest request body; more is answered with 413."),
  rateLimitPerSecond: count(1, 100_000, "REDFLEET_CFG_VALUE", "requests per second and client")
    .default(1000)
    .describe("Requests per second and client address; more is answered with 429."),
  connectionsPerSource: count(0, 30_000, "REDFLEET_CFG_VALUE", "connections per client address")
    .default(500)
    .describe(
      "Connections, and requests in them, that one client address may have open at a time; users behind one address share it. More is turned away. 0: no limit.",
    ),
  memory: memoryFrom(64).prefault("128 MB").describe("Memory limit of the proxy."),
  agentMemory: memoryFrom(96).prefault("160 MB").describe("Memory limit of the agent."),
});

export type EdgeConfig = z.infer<typeof Edge>;
