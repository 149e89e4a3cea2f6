import { CliError, EXIT } from "../errors.ts";
import { PASSPHRASE } from "./places.ts";
import type { PulumiResult } from "./run.ts";

interface Cause {
  pattern: RegExp;
  what: string;
  fix: (stack: string) => string;
  exitCode?: number;
}

/** What Pulumi and the engine say, and the way out of it. */
const CAUSES: readonly Cause[] = [
  {
    pattern: /incorrect passphrase|message authentication failed|could not decrypt/i,
    what: "the passphrase does not fit this clone's state",
    fix: () =>
      `put the right one into ${PASSPHRASE} (or PULUMI_CONFIG_PASSPHRASE); nothing was changed`,
  },
  {
    pattern: /the platform's policy; nothing was changed/,
    what: "the program would make what the policy forbids",
    fix: () => "change the component that makes the resource; the rules are in policy/",
  },
  {
    pattern: /no space left on device|ENOSPC/i,
    what: "the disk is full",
    fix: () => "free some space (docker system df; docker image prune), then run the command again",
  },
  {
    pattern: /port is already allocated|address already in use/i,
    what: "a port that the edge needs is taken",
    fix: (stack) =>
      `end the program that has it, or change edge.https and edge.http in Pulumi.${stack}.yaml`,
  },
  {
    pattern: /stack is currently locked/i,
    what: "another operation works on this stack",
    fix: () => "wait until it ends; a lock of a dead process is removed by redfleet up",
  },
  {
    pattern:
      /cannot connect to the docker daemon|connection refused|connect: no such file|daemon running/i,
    what: "the Docker engine went away",
    fix: () => "redfleet up starts it and goes on where this run ended",
    exitCode: EXIT.engine,
  },
  {
    pattern: /non-overlapping IPv4 address pool|pool overlaps/i,
    what: "the engine has no addresses left for another network",
    fix: () =>
      'remove unused networks (docker network prune), or set "default-address-pools" in /etc/docker/daemon.json',
  },
];

/** Turns a failed run of Pulumi into what happened, why, and the way out. */
export function explainFailure(stack: string, operation: string, result: PulumiResult): CliError {
  const { errors, failedContainers } = result.report;
  const told = errors.map(({ name, message }) => (name ? `${name}: ${message}` : message));
  const why = [...new Set(told), result.stderr.trim()].filter(Boolean).join("\n");
  const cause = CAUSES.find(({ pattern }) => pattern.test(why));
  const failed = [...failedContainers].join(", ");
  return new CliError({
    what: cause?.what ?? `pulumi ${operation} failed${failed ? `: ${failed}` : ""}`,
    why: why || `it ended with exit code ${result.code} and no message`,
    fix:
      cause?.fix(stack) ?? "correct the cause, then run the command again: what is done stays done",
    exitCode: cause?.exitCode ?? EXIT.failed,
  });
}
