import { Redis } from "ioredis";
import { CliError } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { SESSIONS_LEFT_OUT, SETTINGS_LEFT_OUT } from "./left-out.ts";
import { GENERATED_SECRET, revealed } from "./secrets.ts";
import type { FlowNode, Found, LibraryEntry, SourceOptions } from "./types.ts";
import { readContext } from "./valkey-context.ts";
import { keysFrom, readValue } from "./valkey-values.ts";

/** Modules of its palette, by name; the same key whatever the prefix. */
const PACKAGES = "nodered:packages";

/** Reads the keys of node-red-cluster in a Valkey or Redis. */
export async function readValkey(url: string, options: SourceOptions): Promise<Found> {
  const client = new Redis(url.replace(/^valkey/, "redis"), {
    lazyConnect: true,
    connectTimeout: 5000,
    commandTimeout: 10_000,
    retryStrategy: () => null,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    return await readKeys(client, options);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError({
      what: "the Valkey or Redis to import from does not let itself be read",
      why: (error as Error).message,
      fix: "check the URL: redis://user:password@host:6379/0, rediss:// with TLS",
    });
  } finally {
    client.disconnect();
  }
}

async function readKeys(
  client: Redis,
  { prefix, credentialSecret }: SourceOptions,
): Promise<Found> {
  const flows = await readFlows(client, `${prefix}flows`);
  const stored = (await readValue(client, `${prefix}credentials`)) ?? {};
  const settings = (await readValue(client, `${prefix}settings`)) as
    | Record<string, string>
    | undefined;
  const context = await readContext(client, prefix, flows);
  return {
    system: `node-red-cluster, keys ${prefix}*`,
    flows,
    credentials: revealed(stored as object, credentialSecret ?? settings?.[GENERATED_SECRET]),
    library: await readLibrary(client, `${prefix}library:`),
    modules: ((await readValue(client, PACKAGES)) ?? {}) as Record<string, string>,
    sharedContext: context.values,
    leftOut: [
      ...context.leftOut,
      ...(settings === undefined ? [] : [SETTINGS_LEFT_OUT]),
      ...((await client.exists(`${prefix}sessions`)) ? [SESSIONS_LEFT_OUT] : []),
      `users: they are in the old settings.js; ${redfleet("user add")} lets them in here`,
    ],
  };
}

/** A list until the first deploy there, then `{flows, rev}`. */
async function readFlows(client: Redis, key: string): Promise<FlowNode[]> {
  const stored = await readValue(client, key);
  const { flows = stored } = (stored ?? {}) as { flows?: unknown };
  if (Array.isArray(flows)) return flows;
  if (stored === undefined) {
    throw new CliError({
      what: `there is no key "${key}"`,
      why: "node-red-cluster keeps the flows there, after its prefix",
      fix: "--prefix <text> when the old settings have another keyPrefix than nodered:",
    });
  }
  throw new CliError({
    what: `"${key}" holds no flows`,
    why: "node-red-cluster keeps a list of nodes there, or {flows, rev} with one",
    fix: "open and deploy the flows once in the old editor, which writes it anew",
  });
}

async function readLibrary(client: Redis, prefix: string): Promise<LibraryEntry[]> {
  const keys = await keysFrom(client, prefix);
  return Promise.all(
    keys.map(async (key) => {
      const [type = "", ...path] = key.slice(prefix.length).split(":");
      const { fn, ...meta } = ((await readValue(client, key)) ?? {}) as Record<string, unknown>;
      if (fn === undefined) {
        throw new CliError({
          what: `the library entry "${key}" has no text`,
          why: "node-red-cluster keeps it there as fn",
          fix: "save the entry once more in the old editor, or delete the key",
        });
      }
      const body = typeof fn === "string" ? fn : JSON.stringify(fn);
      return { type, path: path.join(":").replace(/^\/+/, ""), meta, body };
    }),
  );
}
