import { MongoClient, type MongoClientOptions } from "mongodb";
import { readFileFrom } from "../../cli/engine/copy.ts";
import { addressOf, runningOf } from "./containers.ts";
import { engine } from "./engine.ts";
import { DIRECT } from "./store-probe.ts";

const URI_FILE = "/run/redfleet/mongodb-uri";

/** What a container knows of its store. */
interface Access {
  readonly uri: string;
  /** Addresses of the members by their names, which only the engine's DNS knows. */
  readonly members: ReadonlyMap<string, string>;
}

async function accessOf(container: string): Promise<Access> {
  const uri = await readFileFrom(engine, container, URI_FILE);
  if (uri === undefined) throw new Error(`${container} has no ${URI_FILE}`);
  const stack = (await engine.getContainer(container).inspect()).Config.Labels["redfleet.stack"];
  const members = new Map<string, string>();
  for (const member of await runningOf(stack ?? "", "mongodb")) {
    members.set(member.Name.slice(1), addressOf(member, "-data"));
  }
  return { uri: uri.toString().trim(), members };
}

/** Connects from the host to the replica set with the very user that a container was given. */
export async function mongoOf(
  container: string,
  options: MongoClientOptions = {},
): Promise<MongoClient> {
  const { uri, members } = await accessOf(container);
  const lookup = (name: string, asked: { all?: boolean }, done: LookupDone) => {
    const address = { address: members.get(name) ?? name, family: 4 };
    if (asked.all) done(null, [address]);
    else done(null, address.address, 4);
  };
  return new MongoClient(uri, { ...options, lookup } as MongoClientOptions).connect();
}

/** A client of each member alone, as the user that a container was given. */
export async function mongoMembersOf(container: string): Promise<MongoClient[]> {
  const { uri, members } = await accessOf(container);
  return [...members.values()].map((address) => {
    const alone = new URL(uri.replace(/@[^/]+/, `@${address}:27017`));
    alone.searchParams.delete("replicaSet");
    return new MongoClient(alone.href, DIRECT);
  });
}

type LookupDone = (error: null, address: unknown, family?: number) => void;
