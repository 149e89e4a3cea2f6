import { randomBytes } from "node:crypto";
import { type Document, MongoClient, type MongoClientOptions } from "mongodb";
import { platformImage } from "./image.ts";
import { Lab } from "./lab.ts";
import { authorityOf, CLIENT_TLS, memberTls, startStoreAgent } from "./store-agent.ts";

/** Exit code and log of a job that ended. */
export interface JobResult {
  readonly code: number;
  /** One object a line that the job logged. */
  readonly events: readonly { readonly event: string; readonly [field: string]: unknown }[];
  readonly log: string;
}

const MONGODB_USER = 999;
const JOB_USER = 1000;
/** All members that a test starts, as the platform lets its parts know them. */
const HOSTS = Object.fromEntries([0, 1, 2, 3, 4].map((index) => [`mongodb-${index}`, 10 + index]));

/** A replica set of real members in a lab, before or after its job made it one. */
export class ReplicaSet {
  readonly lab = new Lab("mongodb");
  readonly adminPassword = randomBytes(18).toString("base64url");
  private readonly key = randomBytes(564).toString("base64");
  private jobs = 0;
  private readonly tls: boolean;
  /** Authority of the members' certificates, PEM; none without TLS. */
  authority: string | undefined;

  /** @param options `tls`: all connections are encrypted, by certificates of a real agent. */
  constructor({ tls = false }: { tls?: boolean } = {}) {
    this.tls = tls;
  }

  /** Starts members that know nothing of each other yet, and waits until they answer. */
  async open(members: number): Promise<this> {
    await this.lab.open();
    if (this.tls) {
      await startStoreAgent(this.lab, "mongodb");
      this.authority = await authorityOf(this.lab);
    }
    await this.startMembers(Array.from({ length: members }, (_, index) => index));
    return this;
  }

  /** Starts members by index; their volumes are kept or made. */
  async startMembers(indexes: readonly number[]): Promise<void> {
    const image = await platformImage("mongodb");
    await Promise.all(indexes.map((index) => this.startMember(index, image)));
    await Promise.all(indexes.map((index) => this.lab.healthy(`mongodb-${index}`, 90)));
  }

  private async startMember(index: number, image: string) {
    const name = `mongodb-${index}`;
    const tls = this.tls ? memberTls(this.lab, "mongodb", name) : undefined;
    await this.lab.start({
      name,
      component: "mongodb",
      image,
      command: ["/redfleet/start"],
      user: MONGODB_USER,
      host: 10 + index,
      hosts: HOSTS,
      data: ["/data/db", "/data/configdb"],
      files: { keyfile: this.key },
      environment: {
        REDFLEET_REPLICA_SET: "rs0",
        REDFLEET_CACHE_GB: "0.25",
        REDFLEET_OPLOG_MB: "990",
        REDFLEET_KEYFILE_FILE: "/run/redfleet/keyfile",
        ...tls?.environment,
      },
      shared: tls?.shared,
    });
  }

  /** `name:port` of the first members. */
  hosts(members: number): string[] {
    return Array.from({ length: members }, (_, index) => `${this.member(index)}:27017`);
  }

  /** Connection string of the administrator, or of another user, as a container of the lab uses it. */
  uri(members: number, login = `redfleet-admin:${this.adminPassword}`): string {
    const trust = this.tls
      ? `&tls=true&tlsCAFile=${CLIENT_TLS.environment.REDFLEET_TLS_CA_FILE}`
      : "";
    return `mongodb://${login}@${this.hosts(members).join(",")}/admin?replicaSet=rs0${trust}`;
  }

  /** Full container name of a member. */
  member(index: number): string {
    return this.lab.nameOf(`mongodb-${index}`);
  }

  /** Runs the job that makes the set, to its end. */
  async initiate(members: number, more: Record<string, string> = {}): Promise<JobResult> {
    return this.finish(await this.startJob("mongodb-init", members, more, { local: true }));
  }

  /** Runs another job to its end. */
  async job(name: string, members: number, more: Record<string, string>, data?: readonly string[]) {
    return this.finish(await this.startJob(name, members, more, { data }));
  }

  /**
   * Starts a job and returns its container name while it runs.
   * @param more environment; a name that ends in `_PASSWORD_FILE` or `_URI_FILE` gets a file with that value
   */
  async startJob(
    name: string,
    members: number,
    more: Record<string, string> = {},
    place: { local?: boolean; data?: readonly string[] | undefined } = {},
  ): Promise<string> {
    this.jobs += 1;
    const container = `job-${this.jobs}`;
    const { environment, files } = asFiles({
      REDFLEET_ADMIN_PASSWORD_FILE: this.adminPassword,
      REDFLEET_MONGODB_URI_FILE: this.uri(members),
      ...more,
    });
    await this.lab.start({
      name: container,
      component: "job",
      image: await platformImage("agent"),
      command: ["node", `/app/jobs/${name}.ts`],
      user: JOB_USER,
      environment: {
        REDFLEET_MONGODB_HOSTS: this.hosts(members).join(","),
        REDFLEET_REPLICA_SET: "rs0",
        REDFLEET_TIMEOUT_SECONDS: "120",
        ...(this.tls ? CLIENT_TLS.environment : {}),
        ...environment,
      },
      shared: this.tls ? CLIENT_TLS.shared : undefined,
      files,
      hosts: HOSTS,
      memoryMb: 192,
      ...(place.local ? { inNetworkOf: "mongodb-0" } : {}),
      ...(place.data ? { data: place.data } : {}),
    });
    return container;
  }

  /** Waits for the end of a started job and removes its container. */
  async finish(job: string): Promise<JobResult> {
    const { StatusCode: code } = await this.lab.container(job).wait();
    const log = await this.lab.logs(job);
    await this.lab.remove(job);
    const events = log.split("\n").filter((line) => line.startsWith("{"));
    return { code, log, events: events.map((line) => JSON.parse(line)) };
  }

  /** A client from the host, as the administrator unless told otherwise; the members' names are known to it. */
  client(members: number, options: MongoClientOptions = {}): MongoClient {
    const lookup = (name: string, asked: { all?: boolean }, done: LookupDone) => {
      const index = Number(name.slice(name.lastIndexOf("-") + 1));
      const address = this.lab.address(10 + index);
      if (asked.all) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    };
    return new MongoClient(`mongodb://${this.hosts(members).join(",")}/?replicaSet=rs0`, {
      auth: { username: "redfleet-admin", password: this.adminPassword },
      authSource: "admin",
      serverSelectionTimeoutMS: 15_000,
      // Only the monitor notices a hung primary (the driver has no working limit for one operation): its two
      // times together are how long that takes.
      heartbeatFrequencyMS: 1000,
      connectTimeoutMS: 2000,
      ...(this.tls ? { tls: true, ca: this.authority } : {}),
      ...options,
      lookup,
    } as MongoClientOptions);
  }

  /** A client of one member alone, as the administrator. */
  direct(index: number): MongoClient {
    return new MongoClient(`mongodb://${this.lab.address(10 + index)}:27017/`, {
      directConnection: true,
      auth: { username: "redfleet-admin", password: this.adminPassword },
      authSource: "admin",
      serverSelectionTimeoutMS: 3000,
    });
  }

  async close(): Promise<void> {
    await this.lab.close();
  }
}

/** Index of the member that a client sees as primary now. */
export async function primaryOf(client: MongoClient): Promise<number> {
  const { me } = await client.db("admin").command({ hello: 1 });
  return Number(/-(\d+):/.exec(me)?.[1]);
}

/** State of every member as the primary sees it, by index. */
export async function statesOf(client: MongoClient): Promise<Record<number, string>> {
  const { members } = await client.db("admin").command({ replSetGetStatus: 1 });
  return Object.fromEntries(
    members.map((member: Document) => [/-(\d+):/.exec(member.name)?.[1], member.stateStr]),
  );
}

/** Turns values for `…PASSWORD_FILE` and `…URI_FILE` variables into files and their paths. */
function asFiles(variables: Record<string, string>) {
  const environment: Record<string, string> = {};
  const files: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    const isSecret = /(PASSWORD|URI)_FILE$/.test(name);
    if (isSecret) files[name.toLowerCase()] = value;
    environment[name] = isSecret ? `/run/redfleet/${name.toLowerCase()}` : value;
  }
  return { environment, files };
}

type LookupDone = (error: null, address: unknown, family?: number) => void;
