import * as docker from "@pulumi/docker";
import { canonicalJson } from "../../../config/canonical.ts";
import type { Exposure, Owner, Volume } from "../types.ts";
import { labels } from "./labels.ts";

/** A named volume. Its labels are written once: for the provider a new label is a new, empty volume. */
export function makeVolume(owner: Owner, plan: Volume): docker.Volume {
  return new docker.Volume(
    plan.id,
    { name: plan.name, labels: labels(plan.identity) },
    {
      parent: owner,
      protect: plan.durability === "protected",
      retainOnDelete: plan.durability !== "scratch",
      ignoreChanges: ["labels", "driver", "driverOpts"],
    },
  );
}

/**
 * A route is an empty volume whose labels the agent reads: a record on the engine that can be replaced at
 * will, without touching the edge, the workload or a file that both would have to mount.
 */
export function makeRoute(owner: Owner, plan: Exposure): docker.Volume {
  return new docker.Volume(
    plan.id,
    { name: plan.name, labels: labels(plan.identity, routeLabels(plan)) },
    // Creating a volume that exists changes nothing: the old record has to go first.
    { parent: owner, deleteBeforeReplace: true },
  );
}

function routeLabels(plan: Exposure): Record<string, string> {
  return {
    "redfleet.route.kind": plan.kind,
    "redfleet.route.hosts": plan.hosts.join(","),
    "redfleet.route.state": plan.state,
    "redfleet.route.upstream": plan.upstream,
    ...(plan.api === undefined
      ? {}
      : { "redfleet.route.api": plan.api.upstream, "redfleet.route.prefix": plan.api.prefix }),
    "redfleet.route.options": canonicalJson(plan.options ?? {}),
  };
}
