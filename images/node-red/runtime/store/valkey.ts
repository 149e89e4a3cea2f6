/**
 * The flow store on Valkey or Redis, one server or a group with Sentinels.
 *
 * What people write (flows, users, library, settings, sessions) counts when the primary and `waitReplicas`
 * replicas have it, and the Sentinels still call that server primary. A failover can then lose it only if all
 * of those replicas are lost, or if the one that is promoted is none of them. What workers report of
 * themselves counts at once: they repeat it.
 */
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChainableCommander, Redis, RedisOptions } from "ioredis";
import type { ValkeySettings } from "../environment.ts";
import { type Logger, reasonOf } from "../log.ts";
import { persist } from "../retry.ts";
import { connectValkey, isPassing } from "../valkey/connection.ts";
import { reconnect } from "../valkey/failover.ts";
import { Sentinels } from "../valkey/sentinels.ts";
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
import { nextFence } from "./valkey-fences.ts";
import { readLibrary, writeLibrary } from "./valkey-library.ts";
import { COMMIT, END_TURN, TAKE_TURN } from "./valkey-scripts.ts";
import { ValkeyTrials } from "./valkey-trials.ts";
import { ValkeyWatcher } from "./valkey-watch.ts";
import { listWorkers, removeWorker, reportWorker } from "./valkey-workers.ts";

export interface ValkeyOptions {
  settings: ValkeySettings;
  /** Replicas that must have a save before it counts. */
  waitReplicas: number;
  /** Name of the connections. */
  appName: string;
  /** Seconds between two looks at the stored revision. */
  pollSeconds: number;
  /** Old revisions to keep. */
  history: number;
  log: Logger;
}

/** Old revisions beyond this many bytes, compressed, go before their number says so. */
const HISTORY_BYTES = 16 * 1024 * 1024;
/** A command that got no answer fails after this. */
const COMMAND_MS = 5000;
/** A write that is not confirmed is tried again for this long: an editor waits for the answer. */
const CONFIRM_MS = 10_000;
const WAIT_MS = 1500;
const RETRY_MS = 200;

const FIELDS = ["revision", "flows", "credentials", "user", "at", "digest", "writeId"] as const;

/** Flows, history, documents, library, users and workers below one prefix. */
export class ValkeyFlowStore implements FlowStore {
  private readonly options: ValkeyOptions;
  private readonly client: Redis;
  private readonly sentinels: Sentinels | undefined;
  private readonly keys: Record<"current" | "old" | "revisions" | "users" | "turn", string>;
  private readonly channels: { flows: string; workers: string };
  readonly trials: ValkeyTrials;
  private watcher: ValkeyWatcher | undefined;

  constructor(options: ValkeyOptions) {
    this.options = options;
    // A queue would send a write later, when its caller has been told that it failed. Without retries what was under
    // way fails with the connection; else ioredis leaves it to its timeout.
    this.client = this.open(options.appName, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
    });
    const { settings, appName, log } = options;
    if (settings.sentinels) this.sentinels = new Sentinels(settings, appName, log);
    const { prefix } = settings;
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
      run: (work) => this.guarded(work),
      confirm: (what, write) => this.confirmed(what, write),
    });
    this.channels = { flows: `${prefix}flows`, workers: `${prefix}workers` };
  }

  /** Connects by itself, for ever. Nothing is sent twice but what may be. */
  private open(name: string, more: RedisOptions = {}): Redis {
    const { settings, log } = this.options;
    const common = { commandTimeout: COMMAND_MS, autoResendUnfulfilledCommands: false };
    return connectValkey(settings, name, log, { ...common, autoResubscribe: false, ...more });
  }

  async connect(signal: AbortSignal): Promise<void> {
    const { log } = this.options;
    const answers = async () => {
      if (this.client.status !== "ready")
        await once(this.client, "ready", { signal: AbortSignal.timeout(COMMAND_MS) });
      await this.client.ping();
    };
    await persist("the flow store does not answer yet", answers, log, signal);
  }

  /** A server that hangs, or that writes are refused by, may be primary no more. */
  private async guarded<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    try {
      return await work(this.client);
    } catch (error) {
      if (isPassing(error)) reconnect(this.client);
      throw error;
    }
  }

  async read(): Promise<FlowSet | null> {
    const values = await this.guarded((client) => client.hmgetBuffer(this.keys.current, ...FIELDS));
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
    const at = await this.confirmed("a save", write, (answer) => {
      const [done, revision, time] = answer as [number, number, number];
      if (done !== 1) throw new RevisionConflict(expected, revision);
      return time;
    });
    return { revision: expected + 1, at: new Date(Number(at)), ...next };
  }

  /**
   * A write that counts when enough replicas have it. It is sent again while that is not sure, so it must do the
   * same when it is repeated.
   * @param read what the server's answer means.
   * @throws when it is not confirmed in time: it may be there all the same.
   */
  private async confirmed<T>(
    what: string,
    write: (chain: ChainableCommander) => unknown,
    read?: (answer: unknown) => T,
  ): Promise<T | undefined> {
    const end = performance.now() + CONFIRM_MS;
    for (;;) {
      try {
        const { answer, have, from } = await this.guarded((client) =>
          this.writeAndWait(client, write),
        );
        const result = read?.(answer);
        this.checkReplicas(have);
        await this.checkPrimary(from);
        return result;
      } catch (error) {
        const final = error instanceof RevisionConflict || !isPassing(error);
        if (final || performance.now() > end) throw error;
        const reason = reasonOf(error);
        this.options.log.warn(`${what} is not confirmed, trying again`, { reason });
        await sleep(RETRY_MS);
      }
    }
  }

  /** The server's answer, how many replicas have the write, and where the server is. */
  private async writeAndWait(client: Redis, write: (chain: ChainableCommander) => unknown) {
    const { remoteAddress = "", remotePort = 0 } = client.stream as Socket;
    const chain = client.pipeline();
    write(chain);
    // On the same connection: WAIT is about what this connection has written.
    const answers = await chain.wait(this.options.waitReplicas, WAIT_MS).exec();
    const [answer, have] = (answers ?? []).map(([error, value]) => {
      if (error) throw error;
      return value;
    });
    return { answer, have: Number(have), from: { address: remoteAddress, port: remotePort } };
  }

  private checkReplicas(have: number): void {
    const { waitReplicas } = this.options;
    if (have >= waitReplicas) return;
    // An old primary that everybody left may still take writes.
    reconnect(this.client);
    throw new Error(`${have} of ${waitReplicas} replicas have it`);
  }

  /** After the replicas were asked: one that was promoted in between confirms nothing any more. */
  private async checkPrimary({ address, port }: { address: string; port: number }): Promise<void> {
    await this.guarded(async () => this.sentinels?.confirm(address, port));
  }

  async nextFence(name: string): Promise<number> {
    const wait = { replicas: this.options.waitReplicas, ms: WAIT_MS };
    const key = `${this.options.settings.prefix}fences`;
    const next = await this.guarded((client) => nextFence(client, key, name, wait));
    this.checkReplicas(next.replicas);
    return next.number;
  }

  async history(): Promise<Revision[]> {
    const found = await this.guarded((client) => client.hgetall(this.keys.revisions));
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
    const [meta, packed] = await this.guarded((client) =>
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
      subscriber: this.open(`${appName}-watch`),
      channels: this.channels,
      pollSeconds,
      log,
      listener,
      read: () => this.read(),
      isReplaced: async (address, port) => !!(await this.sentinels?.nameAnother(address, port)),
      onSilence: () => reconnect(this.client),
    });
  }

  private documentKey(name: DocumentName): string {
    return `${this.options.settings.prefix}documents:${name}`;
  }

  async readDocument(name: DocumentName): Promise<unknown> {
    const found = await this.guarded((client) => client.getBuffer(this.documentKey(name)));
    return found === null ? undefined : JSON.parse(await unpack(found));
  }

  async writeDocument(name: DocumentName, value: unknown, until?: Date): Promise<void> {
    const key = this.documentKey(name);
    const content = await pack(JSON.stringify(value));
    const left = until && until.getTime() - Date.now();
    await this.confirmed(`the document ${name}`, (chain) => {
      if (left === undefined) return chain.set(key, content);
      return left > 0 ? chain.set(key, content, "PX", Math.ceil(left)) : chain.del(key);
    });
  }

  readLibrary(type: string, path: string): Promise<string | LibraryEntry[]> {
    const { prefix } = this.options.settings;
    return this.guarded((client) => readLibrary(client, prefix, type, path));
  }

  async writeLibrary(type: string, path: string, meta: object, body: string): Promise<void> {
    const { prefix } = this.options.settings;
    const packed = await pack(body);
    await this.confirmed("a file of the library", (chain) =>
      writeLibrary(chain, prefix, type, path, meta, packed),
    );
  }

  async findUser(username: string): Promise<StoredUser | null> {
    const found = await this.guarded((client) => client.hget(this.keys.users, username));
    return found === null ? null : { username, ...JSON.parse(found) };
  }

  async writeUser({ username, ...user }: StoredUser): Promise<void> {
    const json = JSON.stringify(user);
    await this.confirmed("a user", (chain) => chain.hset(this.keys.users, username, json));
  }

  async removeUser(username: string): Promise<void> {
    await this.confirmed("a user", (chain) => chain.hdel(this.keys.users, username));
  }

  async users(): Promise<StoredUser[]> {
    const found = await this.guarded((client) => client.hgetall(this.keys.users));
    return Object.entries(found).map(([username, json]) => ({ username, ...JSON.parse(json) }));
  }

  private get workerKeys() {
    const workers = `${this.options.settings.prefix}registry`;
    return { workers, channel: this.channels.workers };
  }

  reportWorker(report: WorkerReport): Promise<void> {
    return this.guarded((client) => reportWorker(client, this.workerKeys, report));
  }

  removeWorker(worker: string): Promise<void> {
    return this.guarded((client) => removeWorker(client, this.workerKeys, worker));
  }

  workers() {
    return this.guarded((client) => listWorkers(client, this.workerKeys));
  }

  async takeTurn(worker: string, ttlMs: number): Promise<string> {
    const { turn } = this.keys;
    return String(await this.guarded((client) => client.eval(TAKE_TURN, 1, turn, worker, ttlMs)));
  }

  async endTurn(worker: string): Promise<void> {
    await this.guarded((client) => client.eval(END_TURN, 1, this.keys.turn, worker));
  }

  async close(): Promise<void> {
    this.watcher?.stop();
    this.sentinels?.close();
    this.client.disconnect();
  }
}
