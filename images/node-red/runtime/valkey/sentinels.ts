/** What the Sentinels say of a server that takes writes as a primary. */
import { lookup } from "node:dns/promises";
import type { Redis } from "ioredis";
import type { ValkeySettings } from "../environment.ts";
import { type Logger, reasonOf } from "../log.ts";
import { connectSentinel } from "./connection.ts";

/**
 * Tells whether a server is primary for the Sentinels too.
 *
 * A primary that is replaced by a failover which somebody ordered goes on taking writes for some seconds, and
 * replicas that still follow it confirm them; then all of them follow the new one and throw those writes away
 * (measured: 4 to 10 % of the writes confirmed by one of two replicas).
 */
export class Sentinels {
  private readonly clients: readonly Redis[];
  private readonly masterName: string;

  /** Connects to each Sentinel, for ever. */
  constructor(settings: ValkeySettings, name: string, log: Logger) {
    this.masterName = settings.masterName ?? "redfleet";
    this.clients = (settings.sentinels ?? []).map((at) =>
      connectSentinel(settings, at, `${name}-sentinel`, log),
    );
  }

  /**
   * Asks all Sentinels.
   * @param address IP address of the server, as it is connected.
   * @throws when less than a majority names that server, or any of them is in a failover.
   */
  async confirm(address: string, port: number): Promise<void> {
    const { answered, same, failingOver, silence } = await this.survey(address, port);
    if (failingOver) throw new Error("a failover is on its way");
    const all = this.clients.length;
    if (same * 2 > all) return;
    const why = silence ? ` (${answered} answered: ${reasonOf(silence.reason)})` : "";
    throw new Error(`${same} of ${all} Sentinels call ${address}:${port} primary${why}`);
  }

  /** True when a majority of the Sentinels names another server, and none is in a failover. Never throws. */
  async nameAnother(address: string, port: number): Promise<boolean> {
    const { answered, same, failingOver } = await this.survey(address, port);
    return !failingOver && (answered - same) * 2 > this.clients.length;
  }

  /** How many Sentinels answer, how many of them name that server, and why one does not answer, if one does not. */
  private async survey(address: string, port: number) {
    const answers = await Promise.allSettled(this.clients.map((client) => this.ask(client)));
    const seen = answers.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    const failingOver = seen.some(({ flags }) => flags.includes("failover_in_progress"));
    const votes = await Promise.all(seen.map((one) => isSame(one, address, port)));
    const silence = answers.find((one) => one.status === "rejected");
    return { answered: seen.length, same: votes.filter(Boolean).length, failingOver, silence };
  }

  private async ask(client: Redis): Promise<Seen> {
    const answer = (await client.call("SENTINEL", "MASTER", this.masterName)) as string[];
    const field = (name: string) => answer[answer.indexOf(name) + 1] ?? "";
    return { host: field("ip"), port: Number(field("port")), flags: field("flags").split(",") };
  }

  close(): void {
    for (const client of this.clients) client.disconnect();
  }
}

/** The primary as a Sentinel sees it; the host may be a name. */
interface Seen {
  readonly host: string;
  readonly port: number;
  readonly flags: readonly string[];
}

async function isSame(seen: Seen, address: string, port: number): Promise<boolean> {
  if (seen.port !== port) return false;
  const found = await lookup(seen.host, { all: true }).catch(() => []);
  return found.some((one) => one.address === address.replace(/^::ffff:/, ""));
}
