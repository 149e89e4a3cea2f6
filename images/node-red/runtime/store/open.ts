/** Opens the flow store that the environment names. */
import type { RuntimeConfig } from "../environment.ts";
import type { Logger } from "../log.ts";
import { MongodbFlowStore } from "./mongodb.ts";
import type { FlowStore } from "./types.ts";
import { ValkeyFlowStore } from "./valkey.ts";

/** @param purpose who asks; part of the name that the store shows of its connections. */
export function openStore(config: RuntimeConfig, purpose: string, log: Logger): FlowStore {
  const { flowStore, mongodb, valkey, waitReplicas, pollSeconds, history } = config;
  const appName = `redfleet-${purpose}`;
  const common = { appName, pollSeconds, history, log };
  if (flowStore === "valkey" && valkey) {
    return new ValkeyFlowStore({ settings: valkey, waitReplicas, ...common });
  }
  if (mongodb) return new MongodbFlowStore({ ...mongodb, ...common });
  throw new Error("the environment names no flow store");
}
