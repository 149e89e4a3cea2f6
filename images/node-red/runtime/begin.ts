/** From the first start of flows to serving them. */
import { firstStart, onStarts } from "./deploys.ts";
import { reasonOf } from "./log.ts";
import type { Parts } from "./parts.ts";
import type { FlowSet } from "./store/types.ts";

/** Starts Node-RED, and waits until an editor's or tenant's first flows run. A replica applies what is stored by then. */
export async function begin(parts: Parts, initial: FlowSet | null): Promise<void> {
  const { red, config, http, status, deploys, packages, boots, canary } = parts;
  const isReplica = config.role === "replica";
  const harmless = isReplica && initial ? await canary.harmless(initial) : undefined;
  const lacking = await packages.begin(initial, harmless);
  const first = firstStart(red.events);
  if (!boots.problem && !isReplica) {
    boots.runs(initial?.revision ?? 0);
    if (initial) canary.applies(initial);
  }
  await http.listen(config.httpPort);
  await red.start();
  const stopped = await first;
  canary.settle();
  deploys.arm();
  if (isReplica) {
    // One that could not take any revision yet has nothing to serve.
    status.on("change", () => status.state === "running" && serve(parts));
  }
  if (isReplica && initial && !boots.problem) {
    void offer(parts, initial).then(() => tellStart(parts));
  } else {
    const problem = boots.problem ?? lacking ?? stopped;
    const state = problem ? "error" : "running";
    status.update({ state, revision: initial?.revision ?? 0, error: problem });
    tellStart(parts);
  }
  if (isReplica) return;
  onStarts(red.events, (error) => {
    status.update({ state: error ? "error" : "running", error, broken: error !== undefined });
  });
  serve(parts);
  void packages.settle(initial, lacking).then(() => {
    if (lacking) status.update({ state: "running", error: undefined });
  });
}

function tellStart({ status, config, log }: Parts): void {
  log.info("started", { revision: status.revision, state: status.state, port: config.httpPort });
}

/** Hands on what is stored, but for what has ended this process again and again. */
export async function offer(parts: Parts, set: FlowSet): Promise<void> {
  const { boots, reloader, saves } = parts;
  if (saves.isOutdated(set)) return recover(parts);
  if (boots.withholds(set.revision)) return release(parts, set);
  boots.runs(set.revision);
  await reloader.offer(set);
}

/** Ends the safe mode of an editor whose revision was tried again and did no harm. */
async function release({ red, boots, canary, log }: Parts, set: FlowSet): Promise<void> {
  const isReleased = await canary.isReleased().catch(() => false);
  if (!isReleased || !boots.withholds(set.revision)) return;
  log.info("what was held did no harm when it was tried again", { revision: set.revision });
  boots.runs(set.revision);
  canary.applies(set);
  const load = red.runtime.flows.setFlows({ flows: { flows: [] }, deploymentType: "reload" });
  await load.catch((error) => {
    log.error("the flows were not started", { reason: reasonOf(error) });
  });
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
