import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { projectPath } from "../../config/local.ts";
import type { EdgeConfig } from "../../config/sections/edge.ts";
import { PlatformComponent } from "../base.ts";
import type { PlanContext } from "../context.ts";
import type { FileContent, Placed, Target } from "../target/types.ts";
import { planTlsVolumes, type Store } from "../tls.ts";
import { TOKENS } from "../tokens.ts";
import { type GivenCertificate, planAgent, planEdge, planEdgeVolumes } from "./plan.ts";

export interface EdgeArgs {
  readonly target: Target;
  readonly context: PlanContext;
  readonly config: EdgeConfig;
  /** Stores whose members get certificates. */
  readonly tls: readonly Store[];
  /** Servers of a document store that somebody else runs, one a line. */
  readonly externalServers?: FileContent | undefined;
}

/**
 * The agent. Creates its container and the volumes it shares with the edge. Keeps the certificate
 * authority for ever. With the agent down everything that runs goes on.
 */
export class Agent extends PlatformComponent {
  readonly running: Placed;

  constructor(name: string, args: EdgeArgs, opts: pulumi.ComponentResourceOptions) {
    super(TOKENS.agent, name, opts);
    const volumes = [
      ...planEdgeVolumes(name, args.context),
      ...planTlsVolumes(name, args.context.stack, args.tls),
    ];
    for (const volume of volumes) args.target.volume(this, volume);
    const given = givenCertificate(args.config);
    const { tls: stores, externalServers } = args;
    const config = { ...args.config, stores, externalServers };
    const plan = planAgent(name, args.context, config, given);
    this.running = args.target.workload(this, plan);
    this.registerOutputs({});
  }
}

/** The reverse proxy. Creates one container; only its image, address and ports replace it. */
export class Edge extends PlatformComponent {
  constructor(
    name: string,
    args: EdgeArgs & { readonly agent: Agent },
    opts: pulumi.ComponentResourceOptions,
  ) {
    super(TOKENS.edge, name, opts);
    // Its configuration is written by the agent: without it there is nothing to be healthy with.
    args.target.workload(this, planEdge(name, args.context, args.config), [args.agent.running]);
    this.registerOutputs({});
  }
}

function givenCertificate({ tls }: EdgeConfig): GivenCertificate | undefined {
  if (tls.mode !== "files") return undefined;
  return {
    certificate: readFileSync(projectPath(tls.certificate), "utf8"),
    key: pulumi.secret(readFileSync(projectPath(tls.key), "utf8")),
  };
}
