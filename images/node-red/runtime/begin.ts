/** From the first start of flows to serving them. */
import { firstStart, onStarts } from "./deploys.ts";
import { reasonOf } from "./log.ts";
import type { Parts } from "./parts.ts";
import type { FlowSet } from "./store/types.ts";

/** Starts Node-RED and waits until its first flows run. */
export async function begin(parts: Parts, initial: FlowSet | null): Promise<void> {
  const { red, config, http, status, deploys, packages, boots, canary, log } = parts;
  const lacking = await packages.begin(initial);
  const first = firstStart(red.events);
  if (!boots.problem && config.role !== "replica") {
    boots.runs(initial?.revision ?? 0);
    if (initial) canary.applies(initial);
  }
  await http.listen(config.httpPort);
  await red.start();
  const stopped = await first;
  canary.settle();
  const problem = boots.problem ?? lacking ?? stopped;
  deploys.arm();
  const revision = initial?.revision ?? 0;
  if (config.role === "replica" && initial && !boots.problem) {
    await offerFirst(parts, initial);
  } else {
    const state = problem ? "error" : "running";
    status.update({ state, revision, error: problem });
  }
  if (config.role !== "replica") {
    onStarts(red.events, (error) => {
      status.update({ state: error ? "error" : "running", error, broken: error !== undefined });
    });
  }
  // A replica that could not take the first revision it saw has nothing to serve yet.
  if (config.role !== "replica" || status.state === "running") serve(parts);
  else status.on("change", () => status.state === "running" && serve(parts));
  void packages.settle(initial, lacking).then(() => {
    if (lacking) status.update({ state: "running", error: undefined });
  });
  log.info("started", { revision: status.revision, state: status.state, port: config.httpPort });
}

/** A replica that may not apply what is stored starts with the newest revision that did no harm. */
async function offerFirst(parts: Parts, set: FlowSet): Promise<void> {
  await offer(parts, set);
  if (!parts.status.held) return;
  const good = await parts.canary.lastGood(set);
  if (good !== null) await offer(parts, good);
}

/** Hands on what is stored, but for what has ended this process again and again. */
export async function offer(parts: Parts, set: FlowSet): Promise<void> {
  const { boots, reloader, saves } = parts;
  if (saves.isOutdated(set)) return recover(parts);
  if (boots.withholds(set.revision)) return;
  boots.runs(set.revision);
  await reloader.offer(set);
}

/** Only who edits brings back what the store has lost: it has had every save, and there is one of it. */
async function recover({ config, red, saves, log }: Parts): Promise<void> {
  if (config.role === "replica") return;
  const running = async () => (await red.runtime.flows.getFlows({})).flows;
  await saves.recover(running).catch((error) => {
    log.warn("what runs here was not stored again", { reason: reasonOf(error) });
  });
}

function serve({ status, gate }: Parts): void {
  if (status.serving) return;
  status.serving = true;
  gate.open();
}
