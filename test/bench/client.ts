import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { capture } from "../support/process.ts";
import { CORE } from "./pinned.ts";

/** What a client in a process of its own saw. */
export interface ClientReport {
  readonly sent: number;
  /** Answers that were wrong, and requests that got none within two seconds. */
  readonly lost: number;
  /** Milliseconds of every answered request. */
  readonly latencies: readonly number[];
}

/** Requests a second, sent whether or not earlier ones were answered. */
const RATE = 60;
const TIMEOUT = 2000;

/** A client that asks until it is stopped. */
export interface Client {
  stop(): Promise<ClientReport>;
}

/** Starts a client on the client's core, so that its waiting is not the server's. */
export async function startClient(url: string): Promise<Client> {
  const child = fork(fileURLToPath(import.meta.url), [url]);
  await once(child, "message");
  await capture("taskset", ["-a", "-c", "-p", CORE.client, String(child.pid)]);
  return {
    stop: async () => {
      const answer = once(child, "message");
      child.send("stop");
      const [report] = (await answer) as [ClientReport];
      child.disconnect();
      return report;
    },
  };
}

async function work(url: string): Promise<void> {
  const latencies: number[] = [];
  const pending = new Set<Promise<void>>();
  let lost = 0;
  let sent = 0;
  const ask = async () => {
    const at = performance.now();
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT) });
      await answer.arrayBuffer();
      if (answer.status !== 200) lost += 1;
      latencies.push(performance.now() - at);
    } catch {
      lost += 1;
    }
  };
  const started = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1000) * RATE;
    for (; sent < due; sent += 1) {
      const one: Promise<void> = ask().finally(() => pending.delete(one));
      pending.add(one);
    }
  }, 5);
  process.send?.("ready");
  await once(process, "message");
  clearInterval(timer);
  await Promise.all(pending);
  process.send?.({ sent, lost, latencies } satisfies ClientReport);
}

if (process.send && process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once("disconnect", () => process.exit());
  await work(process.argv[2] ?? "");
}
