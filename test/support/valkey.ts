import { Redis } from "ioredis";
import { readFileFrom } from "../../cli/engine/copy.ts";
import { addressOf, runningOf } from "./containers.ts";
import { engine } from "./engine.ts";

/** Passwords of the ACL users of a stack's Valkey, by user name. */
export async function valkeyUsers(stack: string): Promise<Record<string, string>> {
  const file = await readFileFrom(engine, `${stack}-valkey-0`, "/run/redfleet/users.json");
  if (file === undefined) throw new Error(`${stack}-valkey-0 has no users.json`);
  return JSON.parse(file.toString());
}

/** Addresses of a stack's Sentinels. */
export async function sentinelAddresses(stack: string): Promise<string[]> {
  return (await runningOf(stack, "sentinel")).map((entry) => addressOf(entry, "-data"));
}

/** A client of the current primary, found through the Sentinels, that survives a failover. */
export async function valkeyThroughSentinels(stack: string): Promise<Redis> {
  const users = await valkeyUsers(stack);
  const retry = (attempt: number) => Math.min(50 * attempt, 250);
  return new Redis({
    sentinels: (await sentinelAddresses(stack)).map((host) => ({ host, port: 26379 })),
    name: "redfleet",
    username: "app",
    password: users.app,
    sentinelUsername: "sentinel",
    sentinelPassword: users.sentinel,
    maxRetriesPerRequest: null,
    autoResendUnfulfilledCommands: false,
    connectTimeout: 1000,
    commandTimeout: 1000,
    retryStrategy: retry,
    sentinelRetryStrategy: retry,
    reconnectOnError: (error) => (error.message.startsWith("READONLY") ? 1 : false),
  });
}

/** What each Sentinel of a stack watches the primary with. */
export async function watchedWith(stack: string): Promise<Record<string, string>[]> {
  const { sentinel: password } = await valkeyUsers(stack);
  const addresses = await sentinelAddresses(stack);
  return Promise.all(
    addresses.map(async (host) => {
      const client = new Redis({ host, port: 26379, username: "sentinel", password });
      const flat = (await client.call("SENTINEL", "MASTER", "redfleet")) as string[];
      client.disconnect();
      return Object.fromEntries(
        flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ""]] : [])),
      );
    }),
  );
}
