import type Docker from "dockerode";
import { MongoClient } from "mongodb";
import { readBases } from "../../components/images/bases.ts";
import { engine } from "./engine.ts";
import { platformImage } from "./image.ts";
import {
  connect,
  disconnect,
  givePublicAddress,
  linkOf,
  publicAddressOf,
} from "./machine-network.ts";
import { WORKER } from "./names.ts";
import { type NpmRegistry, startNpmRegistry } from "./npm-registry.ts";
import { ROOT, type Running } from "./process.ts";
import { until } from "./wait.ts";

/** Password of every user on it. */
export const PASSWORD = "of-somebody-else";
const ROLES = ["userAdminAnyDatabase", "readWriteAnyDatabase", "dbAdminAnyDatabase"];

/**
 * A machine of somebody else, as far as its network goes: both stores at a private address, and an npm registry
 * at one that counts as public.
 */
export class OtherMachine {
  readonly #owner = process.pid;
  readonly #servers: Docker.Container[] = [];
  #relay: Running | undefined;
  mongodb!: MongoClient;
  registry!: NpmRegistry;
  /** Connection strings of its stores, for secrets. */
  urls!: { readonly mongodb: string; readonly valkey: string };

  async start(): Promise<this> {
    const { inside, outside } = linkOf(this.#owner);
    const flags = ["--requirepass", PASSWORD, "--bind", "0.0.0.0", "--save", ""];
    const valkey = await platformImage("valkey");
    const first = await this.#serve(valkey, ["valkey-server", ...flags], "none");
    const { Pid: pid } = (await first.inspect()).State;
    await connect(this.#owner, pid);
    await this.#startMongodb(`${inside}:27017`, `container:${first.id}`);
    const seen = publicAddressOf(this.#owner);
    this.registry = await startNpmRegistry({ listen: outside, seen });
    this.#relay = await givePublicAddress(this.#owner, pid, this.registry.port);
    this.urls = {
      mongodb: `mongodb://platform:${PASSWORD}@${inside}:27017/?replicaSet=theirs`,
      valkey: `valkey://:${PASSWORD}@${inside}:6379/0`,
    };
    return this;
  }

  async #startMongodb(address: string, network: string): Promise<void> {
    const flags = ["--replSet", "theirs", "--bind_ip_all", "--wiredTigerCacheSizeGB", "0.25"];
    await this.#serve(readBases(ROOT).mongodb, ["mongod", ...flags], network);
    this.mongodb = new MongoClient(`mongodb://${address}/?directConnection=true`);
    const admin = this.mongodb.db("admin");
    const config = { _id: "theirs", members: [{ _id: 0, host: address }] };
    await until("the set", () => admin.command({ replSetInitiate: config }));
    const user = { createUser: "platform", pwd: PASSWORD, roles: ROLES };
    await until("its primary", () => admin.command(user));
  }

  async #serve(image: string, command: string[], network: string): Promise<Docker.Container> {
    const container = await engine.createContainer({
      Image: image,
      Labels: { "redfleet.stack": WORKER, "redfleet.component": "store" },
      Entrypoint: [],
      Cmd: command,
      User: "999:999",
      Healthcheck: { Test: ["NONE"] },
      HostConfig: {
        NetworkMode: network,
        Tmpfs: { "/data/db": "uid=999,gid=999", "/data": "uid=999,gid=999" },
      },
    });
    this.#servers.push(container);
    await container.start();
    return container;
  }

  /** Takes it away with all that is on it. */
  async stop(): Promise<void> {
    this.#relay?.kill("SIGKILL");
    await Promise.all([this.mongodb?.close(), this.registry?.close()]);
    await Promise.all(this.#servers.map((server) => server.remove({ force: true, v: true })));
    await disconnect(this.#owner);
  }
}
