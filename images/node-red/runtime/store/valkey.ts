/**
 * The flow store on Valkey or Redis, one server or a group with Sentinels.
 *
 * What people write (flows, users, library, settings, sessions) counts when the primary and `waitReplicas`
 * replicas have it, and the Sentinels still call that server primary. A failover can then lose it only if all
 * of those replicas are lost, or if the one that is promoted is none of them. What workers report of
 * themselves counts at once: they repeat it.
 */
import type { ChainableCommander } from "ioredis";
import { pack, packFlowSet, unpack } from "./packing.ts";
import {
  type DocumentName,
  type FlowSet,
  type FlowStore,
  type LibraryEntry,
  type NewFlowSet,
  type Revision,
  RevisionConflict,
  type StoredUser,
  type WatchListener,
  type WorkerReport,
} from "./types.ts";
import { ValkeyClient, type ValkeyClientOptions } from "./valkey-client.ts";
import { nextFence } from "./valkey-fences.ts";
import { readLibrary, writeLibrary } from "./valkey-library.ts";
import { COMMIT, END_TURN, TAKE_TURN } from "./valkey-scripts.ts";
import { ValkeyTrials } from "./valkey-trials.ts";
import { ValkeyWatcher } from "./valkey-watch.ts";
import { listWorkers, removeWorker, reportWorker } from "./valkey-workers.ts";

export interface ValkeyOptions extends ValkeyClientOptions {
  /** Seconds between two looks at the stored revision. */
  pollSeconds: number;
  /** Old revisions to keep. */
  history: number;
}

/** Old revisions beyond this many bytes, compressed, go before their number says so. */
const HISTORY_BYTES = 16 * 1024 * 1024;

const FIELDS = ["revision", "flows", "credentials", "user", "at", "digest", "writeId"] as const;

/** Flows, history, documents, library, users and workers below one prefix. */
export class ValkeyFlowStore implements FlowStore {
  private readonly options: ValkeyOptions;
  private readonly client: ValkeyClient;
  private readonly keys: Record<"current" | "old" | "revisions" | "users" | "turn", string>;
  private readonly channels: { flows: string; workers: string };
  readonly trials: ValkeyTrials;
  private watcher: ValkeyWatcher | undefined;

  constructor(options: ValkeyOptions) {
    this.options = options;
    this.client = new ValkeyClient(options);
    const { prefix } = options.settings;
    this.keys = {
      current: `${prefix}flows:current`,
      old: `${prefix}flows:old`,
      revisions: `${prefix}flows:revisions`,
      users: `${prefix}users`,
      turn: `${prefix}turn`,
    };
    this.trials = new ValkeyTrials({
      key: `${prefix}trials`,
      history: options.history,
      run: (work) => this.client.run(work),
      confirm: (what, write) => this.client.confirmed(what, write),
    });
    this.channels = { flows: `${prefix}flows`, workers: `${prefix}workers` };
  }

  connect(signal: AbortSignal): Promise<void> {
    return this.client.connect(signal);
  }

  async read(): Promise<FlowSet | null> {
    const values = await this.client.run((client) =>
      client.hmgetBuffer(this.keys.current, ...FIELDS),
    );
    const [revision, flows, credentials, ...rest] = values;
    if (!revision || !flows || !credentials) return null;
    const [user, at, digest, writeId] = rest.map((value) => String(value ?? ""));
    const texts = await Promise.all([unpack(flows), unpack(credentials)]);
    return {
      revision: Number(revision),
      flows: texts[0],
      credentials: texts[1],
      user: user || null,
      at: new Date(Number(at)),
      digest: digest ?? "",
      writeId: writeId ?? "",
    };
  }

  async commit(expected: number, next: NewFlowSet): Promise<FlowSet> {
    const packed = await packFlowSet(next);
    const { current, old, revisions } = this.keys;
    const { user, digest, writeId } = next;
    const texts = [packed.flows, packed.credentials, user ?? "", digest, writeId];
    const limits = [this.options.history, HISTORY_BYTES];
    const write = (chain: ChainableCommander) =>
      chain.eval(
        ...([COMMIT, 3, current, old, revisions] as const),
        ...[expected, ...texts, ...limits, this.channels.flows],
      );
    const at = await this.client.confirmed("a save", write, (answer) => {
      const [done, revision, time] = answer as [number, number, number];
      if (done !== 1) throw new RevisionConflict(expected, revision);
      return time;
    });
    return { revision: expected + 1, at: new Date(Number(at)), ...next };
  }

  async nextFence(name: string): Promise<number> {
    const key = `${this.options.settings.prefix}fences`;
    const { wait } = this.client;
    const next = await this.client.run((client) => nextFence(client, key, name, wait));
    this.client.checkReplicas(next.replicas);
    return next.number;
  }

  async history(): Promise<Revision[]> {
    const found = await this.client.run((client) => client.hgetall(this.keys.revisions));
    return Object.entries(found)
      .map(([revision, json]) => {
        const { user, at, digest, writeId } = JSON.parse(json);
        return {
          revision: Number(revision),
          user: user || null,
          at: new Date(at),
          digest,
          writeId,
        };
      })
      .sort((a, b) => b.revision - a.revision);
  }

  async readRevision(revision: number): Promise<FlowSet | null> {
    const current = await this.read();
    if (current?.revision === revision) return current;
    const { old, revisions } = this.keys;
    const fields = [`${revision}:flows`, `${revision}:credentials`];
    const [meta, packed] = await this.client.run((client) =>
      Promise.all([client.hget(revisions, String(revision)), client.hmgetBuffer(old, ...fields)]),
    );
    const [flows, credentials] = packed;
    if (meta === null || !flows || !credentials) return null;
    const { user, at, digest, writeId } = JSON.parse(meta);
    const texts = await Promise.all([unpack(flows), unpack(credentials)]);
    const content = { flows: texts[0], credentials: texts[1] };
    return { revision, ...content, user: user || null, at: new Date(at), digest, writeId };
  }

  watch(listener: WatchListener): void {
    const { appName, pollSeconds, log } = this.options;
    this.watcher = new ValkeyWatcher({
      subscriber: this.client.open(`${appName}-watch`),
      channels: this.channels,
      pollSeconds,
      log,
      listener,
      read: () => this.read(),
      isReplaced: (address, port) => this.client.isReplaced(address, port),
      onSilence: () => this.client.reconnect(),
    });
  }

  private documentKey(name: DocumentName): string {
    return `${this.options.settings.prefix}documents:${name}`;
  }

  async readDocument(name: DocumentName): Promise<unknown> {
    const found = await this.client.run((client) => client.getBuffer(this.documentKey(name)));
    return found === null ? undefined : JSON.parse(await unpack(found));
  }

  async writeDocument(name: DocumentName, value: unknown, until?: Date): Promise<void> {
    const key = this.documentKey(name);
    const content = await pack(JSON.stringify(value));
    const left = until && until.getTime() - Date.now();
    await this.client.confirmed(`the document ${name}`, (chain) => {
      if (left === undefined) return chain.set(key, content);
      return left > 0 ? chain.set(key, content, "PX", Math.ceil(left)) : chain.del(key);
    });
  }

  readLibrary(type: string, path: string): Promise<string | LibraryEntry[]> {
    const { prefix } = this.options.settings;
    return this.client.run((client) => readLibrary(client, prefix, type, path));
  }

  async writeLibrary(type: string, path: string, meta: object, body: string): Promise<void> {
    const { prefix } = this.options.settings;
    const packed = await pack(body);
    await this.client.confirmed("a file of the library", (chain) =>
      writeLibrary(chain, prefix, type, path, meta, packed),
    );
  }

  async findUser(username: string): Promise<StoredUser | null> {
    const found = await this.client.run((client) => client.hget(this.keys.users, username));
    return found === null ? null : { username, ...JSON.parse(found) };
  }

  async writeUser({ username, ...user }: StoredUser): Promise<void> {
    const json = JSON.stringify(user);
    await this.client.confirmed("a user", (chain) => chain.hset(this.keys.users, username, json));
  }

  async removeUser(username: string): Promise<void> {
    await this.client.confirmed("a user", (chain) => chain.hdel(this.keys.users, username));
  }

  async users(): Promise<StoredUser[]> {
    const found = await this.client.run((client) => client.hgetall(this.keys.users));
    return Object.entries(found).map(([username, json]) => ({ username, ...JSON.parse(json) }));
  }

  private get workerKeys() {
    const workers = `${this.options.settings.prefix}registry`;
    return { workers, channel: this.channels.workers };
  }

  reportWorker(report: WorkerReport): Promise<void> {
    return this.client.run((client) => reportWorker(client, this.workerKeys, report));
  }

  removeWorker(worker: string): Promise<void> {
    return this.client.run((client) => removeWorker(client, this.workerKeys, worker));
  }

  workers() {
    return this.client.run((client) => listWorkers(client, this.workerKeys));
  }

  async takeTurn(worker: string, ttlMs: number): Promise<string> {
    const { turn } = this.keys;
    return String(
      await this.client.run((client) => client.eval(TAKE_TURN, 1, turn, worker, ttlMs)),
    );
  }

  async endTurn(worker: string): Promise<void> {
    await this.client.run((client) => client.eval(END_TURN, 1, this.keys.turn, worker));
  }

  async close(): Promise<void> {
    this.watcher?.stop();
    this.client.close();
  }
}
