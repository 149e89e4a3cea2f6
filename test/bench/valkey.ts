import { Redis } from "ioredis";
import {
  createSharedContext,
  type SharedContextOptions,
} from "../../images/node-red/runtime/context/index.ts";
import type { ContextStore } from "../../images/node-red/runtime/context/store.ts";
import type { ValkeySettings } from "../../images/node-red/runtime/environment.ts";
import { createLogger } from "../../images/node-red/runtime/log.ts";
import { ValkeyFlowStore } from "../../images/node-red/runtime/store/valkey.ts";
import { engine } from "../support/engine.ts";
import type { FlowNode } from "../support/flows.ts";
import { platformImage } from "../support/image.ts";
import { CORE } from "./pinned.ts";
import { hashPassword, packed } from "./store.ts";

const PORT = 28890;
const SERVER = { host: "127.0.0.1", port: PORT };

/** How our clients reach the server. */
export const VALKEY: ValkeySettings = { server: SERVER, prefix: "nr:bench:" };

/** A Valkey server on the loopback, on the core of what is measured. */
export interface ValkeyServer {
  /** A plain client, for peers and limits. */
  readonly client: Redis;
  /** Gives the flow store its first revision and its first user. */
  seed(flows: readonly FlowNode[]): Promise<void>;
  /** Milliseconds of one acknowledged write of a flow set; see {@link packed}. */
  write(flows: readonly FlowNode[]): Promise<number>;
  close(): Promise<void>;
}

/** Starts the server in a container that `sweep` would find too; it keeps nothing. */
export async function startValkey(core: string = CORE.server): Promise<ValkeyServer> {
  const container = await engine.createContainer({
    Image: await platformImage("valkey"),
    Labels: { "redfleet.stack": "bench" },
    User: "999:999",
    Cmd: ["valkey-server", "--port", String(PORT), "--bind", "127.0.0.1", "--save", ""],
    HostConfig: { NetworkMode: "host", CpusetCpus: core },
  });
  await container.start();
  const client = new Redis({ ...SERVER, retryStrategy: () => 50 });
  client.on("error", () => {});
  await client.ping();
  return {
    client,
    seed,
    write: async (flows) => {
      const content = await packed(flows);
      const started = performance.now();
      await client.set("limit:flows", content);
      return performance.now() - started;
    },
    close: async () => {
      client.disconnect();
      await container.remove({ force: true, v: true });
    },
  };
}

async function seed(flows: readonly FlowNode[]): Promise<void> {
  const store = new ValkeyFlowStore({
    ...{ settings: VALKEY, waitReplicas: 0, appName: "bench", pollSeconds: 30, history: 50 },
    log: createLogger("error", { component: "bench" }),
  });
  try {
    await store.connect(AbortSignal.timeout(10_000));
    const content = { flows: JSON.stringify(flows), credentials: "{}" };
    await store.commit(0, { ...content, user: null, digest: "", writeId: "bench" });
    await store.writeUser({
      username: "admin",
      passwordHash: await hashPassword(),
      role: "admin",
    });
  } finally {
    await store.close();
  }
}

/** The shared context as a worker has it, opened. */
export class Context {
  readonly store: ContextStore;

  private constructor(store: ContextStore) {
    this.store = store;
  }

  static async open(more: Partial<SharedContextOptions> = {}): Promise<Context> {
    const log = createLogger("error", { component: "bench" });
    const common = { valkey: VALKEY, log, name: "bench", synchronous: false, timeoutMs: 10_000 };
    const context = new Context(createSharedContext({ ...common, ...more }).store);
    await context.store.open();
    return context;
  }

  /** Resolves when the store has acknowledged the change. */
  set(key: string, value: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      this.store.set("global", key, value, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
