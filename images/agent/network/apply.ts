import type { EngineClient } from "../engine/client.ts";
import { log, reason } from "../log.ts";
import type { Observed } from "../model.ts";
import { type Attachment, planAttachments } from "./plan.ts";

async function change(engine: EngineClient, attachment: Attachment): Promise<boolean> {
  const { action, network, container } = attachment;
  const details = { network: network.name, container: container.name };
  try {
    const force = action === "disconnect" ? { Force: true } : {};
    await engine.call({
      method: "POST",
      path: `/networks/${network.id}/${action}`,
      body: { Container: container.id, ...force },
    });
    log("info", `${action}ed`, {
      ...details,
      why: action === "connect" ? "a tenant lives here" : "no tenant is left",
    });
    return true;
  } catch (error) {
    // Often just late: the container or the network is gone. The next round sees the truth.
    log("warn", `cannot ${action}`, { ...details, reason: reason(error) });
    return false;
  }
}

/** Joins and leaves the tenants' networks; tells whether anything changed. */
export async function applyAttachments(engine: EngineClient, observed: Observed): Promise<boolean> {
  const done = await Promise.all(planAttachments(observed).map((one) => change(engine, one)));
  return done.some(Boolean);
}
