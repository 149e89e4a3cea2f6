import { MongoClient, type MongoClientOptions } from "mongodb";
import { readFileFrom } from "../../cli/engine/copy.ts";
import { addressOf, runningOf } from "./containers.ts";
import { engine } from "./engine.ts";

const URI_FILE = "/run/redfleet/mongodb-uri";

/**
 * Connects from the host to the replica set with the very user that a container was given.
 * The members' names, which only the engine's DNS knows, are looked up at the engine.
 */
export async function mongoOf(
  container: string,
  options: MongoClientOptions = {},
): Promise<MongoClient> {
  const uri = await readFileFrom(engine, container, URI_FILE);
  if (uri === undefined) throw new Error(`${container} has no ${URI_FILE}`);
  const stack = (await engine.getContainer(container).inspect()).Config.Labels["redfleet.stack"];
  const known = new Map<string, string>();
  for (const member of await runningOf(stack ?? "", "mongodb")) {
    known.set(member.Name.slice(1), addressOf(member, "-data"));
  }
  const lookup = (name: string, asked: { all?: boolean }, done: LookupDone) => {
    const address = { address: known.get(name) ?? name, family: 4 };
    if (asked.all) done(null, [address]);
    else done(null, address.address, 4);
  };
  const client = new MongoClient(uri.toString().trim(), {
    ...options,
    lookup,
  } as MongoClientOptions);
  return client.connect();
}

type LookupDone = (error: null, address: unknown, family?: number) => void;
