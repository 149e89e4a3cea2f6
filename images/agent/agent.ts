import { writeFileSync } from "node:fs";
import { EngineClient } from "./engine/client.ts";
import { followEvents } from "./engine/events.ts";
import { log, reason } from "./log.ts";
import { Loop } from "./loop.ts";
import { Reconciler } from "./reconcile.ts";
import { loadSettings } from "./settings.ts";

/** Its age tells the health check whether rounds still succeed. */
const pulse = "/tmp/pulse";

async function main(): Promise<void> {
  const settings = loadSettings(process.env);
  const engine = new EngineClient();
  const stopping = new AbortController();
  const reconciler = new Reconciler(engine, settings, (ms) => loop.ask(ms));
  const loop = new Loop(
    async () => {
      try {
        // A failed part is tried again soon: most failures are somebody else's start or end.
        if (!(await reconciler.round())) loop.ask(2000);
        writeFileSync(pulse, "");
      } catch (error) {
        log("warn", "cannot reach the engine", { reason: reason(error) });
        loop.ask(1000);
      }
    },
    { settle: 30, period: 30_000 },
  );
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      log("info", "stopping", { why: signal });
      stopping.abort();
    });
  }
  log("info", "started", { stack: settings.stack, domain: settings.edge.domain });
  const on = { connect: () => loop.ask(0), event: () => loop.ask() };
  await followEvents(engine, settings.stack, on, stopping.signal);
  await loop.stop();
  await reconciler.leave();
}

main().catch((error: unknown) => {
  log("error", "cannot run", { reason: reason(error) });
  process.exit(1);
});
