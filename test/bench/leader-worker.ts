/**
 * A worker that wants to lead, in a process of its own: `leader-worker.ts ours|peer`. Tells its parent when it
 * does; ends cleanly by SIGTERM.
 */
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { createLeaders } from "../../images/node-red/runtime/leader/leaders.ts";
import { createLogger } from "../../images/node-red/runtime/log.ts";
import { VALKEY } from "./valkey.ts";

const LOCK = "bench";
const say = () => process.send?.("leads");

function ours(): void {
  const log = createLogger("error", { component: "bench" });
  let fence = 0;
  const leaders = createLeaders({
    ...{ valkey: VALKEY, name: `bench-${process.pid}`, log },
    worker: `bench-${process.pid}`,
    nextFence: async () => ++fence,
  });
  const candidacy = leaders.join(LOCK, 10_000, () => candidacy.state.leads && say());
  // An election keeps no process alive by itself.
  process.channel?.ref();
  process.once("SIGTERM", () => void leaders.close().then(() => process.exit(0)));
}

/** As node-red-cluster documents it: SET NX EX 10, tried and renewed every 2 s; deleted at a clean end. */
function peer(): void {
  const client = new Redis({ ...VALKEY.server });
  const token = randomUUID();
  let leads = false;
  const step = async () => {
    if (leads) return client.expire(LOCK, 10);
    leads = (await client.set(LOCK, token, "EX", 10, "NX")) === "OK";
    if (leads) say();
  };
  void step();
  setInterval(step, 2000);
  process.once("SIGTERM", async () => {
    if (leads) await client.del(LOCK);
    process.exit(0);
  });
}

if (process.argv[2] === "ours") ours();
else peer();
