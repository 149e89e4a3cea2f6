import { physicalName } from "../../config/names.ts";
import { memberAddress } from "../../config/network.ts";
import { MAX_MEMBERS } from "../../config/sections/mongodb.ts";
import type { PlanContext } from "../context.ts";
import type { KnownHost } from "../target/types.ts";

export const REPLICA_SET = "rs0";

const MONGODB_PORT = 27017;

/**
 * Names of all members that a set may ever have, so that growth changes nothing here. The name of a dead
 * member leaves the engine's DNS, whose answer to it takes 20 s on a network without a way out; an address
 * fails in 3 s. For whoever is in the data network; tenants see the members under other addresses.
 */
export function memberHosts({ stack, subnet }: PlanContext): KnownHost[] {
  return Array.from({ length: MAX_MEMBERS }, (_, member) => ({
    name: physicalName(stack, "mongodb", member),
    address: memberAddress(subnet, "mongodb", member),
  }));
}

/** `host:port` of a member. */
export function memberServer(context: PlanContext, member: number): string {
  return `${physicalName(context.stack, "mongodb", member)}:${MONGODB_PORT}`;
}
