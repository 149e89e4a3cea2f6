import { randomBytes } from "node:crypto";
import { Redis, type RedisOptions } from "ioredis";
import { platformImage } from "./image.ts";
import { Lab } from "./lab.ts";
import { authorityOf, memberTls, startStoreAgent } from "./store-agent.ts";
import { until } from "./wait.ts";

/** The name under which the Sentinels know the primary. */
const MASTER_NAME = "redfleet";
const DATA_PORT = 6379;
const SENTINEL_PORT = 26379;
const VALKEY_USER = 999;

type Kind = "valkey" | "sentinel";
export type AclUser = "admin" | "replication" | "sentinel" | "app";

/** What a group of these containers is made of and how fast it reacts. */
export interface GroupOptions {
  /** Default: the platform's own image. */
  readonly image?: string | undefined;
  /** Data nodes, the first primary among them. Default 3. */
  readonly nodes?: number;
  /** Milliseconds until a silent primary counts as down. Default 2000. */
  readonly downAfterMs?: number;
  /** All connections are encrypted, by certificates of a real agent. Default false. */
  readonly tls?: boolean;
}

/** A primary, its replicas and three Sentinels as real containers in a lab. */
export class ValkeyGroup {
  readonly lab = new Lab("valkey");
  passwords = passwords();
  readonly nodes: number;
  /** Authority of the members' certificates, PEM; none without TLS. */
  authority: string | undefined;
  private readonly options: GroupOptions;
  private readonly clients: Redis[] = [];

  constructor(options: GroupOptions = {}) {
    this.options = options;
    this.nodes = options.nodes ?? 3;
  }

  /** Starts the data nodes, then the Sentinels, and waits until a failover is possible. */
  async open(): Promise<this> {
    await this.lab.open();
    if (this.options.tls) {
      await startStoreAgent(this.lab, "valkey");
      this.authority = await authorityOf(this.lab);
    }
    // A Sentinel that starts before the replicas knows them only 10 s later, when it asks again.
    await this.startAll(this.members("valkey"));
    await this.startAll(this.members("sentinel"));
    await this.settled();
    return this;
  }

  /** Gives every user another password: all members are made anew on their volumes. */
  async changePasswords(): Promise<void> {
    this.passwords = passwords();
    const members = [...this.members("valkey"), ...this.members("sentinel")];
    await Promise.all(members.map(({ kind, member }) => this.lab.remove(`${kind}-${member}`)));
    await this.startAll(members);
    await this.settled();
  }

  private async startAll(members: readonly { kind: Kind; member: number }[]): Promise<void> {
    const image = this.options.image ?? (await platformImage("valkey"));
    await Promise.all(members.map(({ kind, member }) => this.startMember(kind, member, image)));
    const healthy = members.map(({ kind, member }) => this.lab.healthy(`${kind}-${member}`, 60));
    await Promise.all(healthy);
  }

  private members(kind: Kind): { kind: Kind; member: number }[] {
    const length = kind === "valkey" ? this.nodes : 3;
    return Array.from({ length }, (_, member) => ({ kind, member }));
  }

  /** Starts one member, on its volume if there is one. */
  async startMember(kind: Kind, member: number, image: string): Promise<void> {
    const name = `${kind}-${member}`;
    const tls = this.options.tls ? memberTls(this.lab, "valkey", name) : undefined;
    await this.lab.start({
      name,
      component: kind,
      image,
      command: [`/redfleet/${kind}`],
      user: VALKEY_USER,
      host: hostOf(kind, member),
      data: ["/data"],
      files: { "users.json": JSON.stringify(this.passwords) },
      environment: {
        ...this.environment(this.address(kind, member)),
        REDFLEET_MEMBER: String(member),
        ...tls?.environment,
      },
      shared: tls?.shared,
      restart: this.options.tls,
      memoryMb: 128,
    });
  }

  private environment(address: string): Record<string, string> {
    const nodes = Array.from({ length: this.nodes }, (_, member) => this.address("valkey", member));
    const sentinels = [0, 1, 2].map((member) => this.address("sentinel", member));
    return {
      REDFLEET_MEMBER_ADDRESS: address,
      REDFLEET_PRIMARY_ADDRESS: this.address("valkey", 0),
      REDFLEET_MASTER_NAME: MASTER_NAME,
      REDFLEET_QUORUM: "2",
      REDFLEET_DOWN_AFTER_MS: String(this.options.downAfterMs ?? 2000),
      REDFLEET_FAILOVER_TIMEOUT_MS: "10000",
      REDFLEET_MIN_REPLICAS_TO_WRITE: "1",
      REDFLEET_MAX_MEMORY_MB: "64",
      REDFLEET_USERS_FILE: "/run/redfleet/users.json",
      REDFLEET_SERVERS: nodes.join(","),
      REDFLEET_SENTINELS: sentinels.join(","),
    };
  }

  /** Names of all containers, data nodes first. */
  names(): string[] {
    const members = [...this.members("valkey"), ...this.members("sentinel")];
    return members.map(({ kind, member }) => `${kind}-${member}`);
  }

  /** Fixed address of a member. */
  address(kind: Kind, member: number): string {
    return this.lab.address(hostOf(kind, member));
  }

  /** A client of whichever node is primary, that survives failovers; closed with the group. */
  client(user: AclUser = "app", more: RedisOptions = {}): Redis {
    return this.connect(user, {
      sentinels: [0, 1, 2].map((member) => ({
        host: this.address("sentinel", member),
        port: SENTINEL_PORT,
      })),
      name: MASTER_NAME,
      sentinelUsername: "app",
      sentinelPassword: this.passwords.app,
      // With its failover detector on the client ends for good when the switch meets a reconnect.
      failoverDetector: false,
      ...(this.options.tls ? { enableTLSForSentinelMode: true, sentinelTLS: this.trust() } : {}),
      maxRetriesPerRequest: null,
      autoResendUnfulfilledCommands: false,
      connectTimeout: 1000,
      commandTimeout: 1000,
      socketTimeout: 2000,
      sentinelRetryStrategy: retry,
      reconnectOnError: (error) => (error.message.startsWith("READONLY") ? 1 : false),
      ...more,
    });
  }

  /** A client of one member alone, as the administrator unless told otherwise. */
  direct(kind: Kind, member: number, user: AclUser = "admin"): Redis {
    const port = kind === "valkey" ? DATA_PORT : SENTINEL_PORT;
    const host = this.address(kind, member);
    return this.connect(user, { host, port, commandTimeout: 1000, connectTimeout: 1000 });
  }

  /** What a client checks: the authority, and that the certificate is for the address it asked for. */
  private trust() {
    return { ca: this.authority };
  }

  private connect(user: AclUser, options: RedisOptions): Redis {
    const login = { username: user, password: this.passwords[user] };
    const tls = this.options.tls ? { tls: this.trust() } : {};
    const client = new Redis({ ...login, ...tls, retryStrategy: retry, ...options });
    // A lost connection is what the tests are about; what matters is what commands return.
    client.on("error", () => {});
    this.clients.push(client);
    return client;
  }

  /** Index of the primary, as most of the Sentinels see it. */
  async primary(): Promise<number> {
    const script = `SENTINEL GET-MASTER-ADDR-BY-NAME ${MASTER_NAME}`;
    const answers = await Promise.allSettled(
      [0, 1, 2].map((member) => this.ask("sentinel", member, script)),
    );
    const seen = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    const members = Array.from({ length: this.nodes }, (_, member) => member);
    const votes = (member: number) =>
      seen.filter((line) => line === this.address("valkey", member)).length;
    const winner = members.find((member) => votes(member) >= 2);
    if (winner === undefined) throw new Error(`the Sentinels do not agree: ${seen.join(" ")}`);
    return winner;
  }

  /** Orders a failover, once there is a candidate: Sentinels ask replicas every 10 s whether they are one. */
  async orderFailover(): Promise<void> {
    const order = () => this.ask("sentinel", 0, `SENTINEL FAILOVER ${MASTER_NAME}`);
    const taken = async () => (await order())[0] === "OK";
    await until("a failover to be ordered", taken, { seconds: 30, every: 500 });
  }

  /** Sees to it that the primary is not member 0, which is where a group starts for the first time. @returns its index */
  async primaryElsewhere(): Promise<number> {
    if ((await this.settled()) !== 0) return this.primary();
    await this.orderFailover();
    const moved = async () => (await this.primary()) !== 0;
    await until("another primary", moved, { seconds: 20, every: 100 });
    return this.settled();
  }

  /** Asks a data node to end as the engine does. @returns how long that took, in milliseconds. @throws unless it ends in order. */
  async stop(member: number): Promise<number> {
    const container = this.lab.container(`valkey-${member}`);
    const begun = performance.now();
    await container.stop({ t: 30 });
    const took = performance.now() - begun;
    const { State: state } = await container.inspect();
    if (state.ExitCode !== 0) throw new Error(`valkey-${member} ended with ${state.ExitCode}`);
    return took;
  }

  /** The same with the primary. @throws unless it has handed over before it ended: the Sentinels would miss it only later. */
  async stopPrimary(member: number): Promise<number> {
    const since = Date.now() / 1000;
    const took = await this.stop(member);
    const next = await this.primary();
    const options = { stdout: true, stderr: true, since };
    const said = (await this.lab.container(`valkey-${member}`).logs(options)).toString();
    const ordered = /asked \S+ for a failover: OK/.test(said);
    if (next === member || !ordered) throw new Error(`valkey-${member} did not hand over: ${said}`);
    return took;
  }

  /** Waits until one primary has all other nodes as replicas in touch, and every Sentinel agrees. */
  async settled(seconds = 60): Promise<number> {
    return until(
      "one primary with all replicas",
      async () => {
        const primary = await this.primary();
        const [role] = await this.role(primary);
        const others = Array.from({ length: this.nodes }, (_, member) => member).filter(
          (member) => member !== primary,
        );
        const roles = await Promise.all(others.map((member) => this.role(member)));
        // One that comes back may follow another replica for a while.
        const isInTouch = ([, host, , state]: string[]) =>
          host === this.address("valkey", primary) && state === "connected";
        const following = roles.filter(isInTouch).length;
        const quorum = await this.ask("sentinel", 0, `SENTINEL CKQUORUM ${MASTER_NAME}`);
        if (role !== "master" || following < others.length) return undefined;
        if (!quorum[0]?.startsWith("OK 3")) return undefined;
        return { primary };
      },
      { seconds },
    ).then((found) => found.primary);
  }

  /** Lines of a node's answer to ROLE. */
  private role(member: number): Promise<string[]> {
    return this.ask("valkey", member, "ROLE");
  }

  /** One question, asked inside the member's own container; lines of the answer. */
  async ask(kind: Kind, member: number, question: string): Promise<string[]> {
    const port = kind === "valkey" ? DATA_PORT : SENTINEL_PORT;
    const tls = this.options.tls ? "--tls --cacert /run/stores/ca.crt" : "";
    const cli = `$(command -v valkey-cli redis-cli | head -n 1) ${tls} --no-auth-warning --raw`;
    const script = `REDISCLI_AUTH=${this.passwords.admin} ${cli} --user admin -p ${port} ${question}`;
    const answer = await this.lab.run(`${kind}-${member}`, ["bash", "-c", script]);
    return answer.trim().split("\n");
  }

  /** Ends the clients and removes the group. */
  async close(): Promise<void> {
    for (const client of this.clients) client.disconnect();
    await this.lab.close();
  }
}

const retry = (attempt: number) => Math.min(50 * attempt, 250);

function hostOf(kind: Kind, member: number): number {
  return (kind === "valkey" ? 20 : 30) + member;
}

function passwords(): Record<AclUser, string> {
  const password = () => randomBytes(18).toString("base64url");
  return {
    admin: password(),
    replication: password(),
    sentinel: password(),
    app: password(),
  };
}
