import { constants } from "node:os";
import { CliError, type Explanation, engineGone, fullDisk } from "../errors.ts";
import { redfleet } from "../hint.ts";
import { wrongPassphrase } from "./passphrase.ts";
import type { PulumiResult } from "./run.ts";

interface Cause {
  pattern: RegExp;
  explain: (stack: string, why: string) => Explanation;
}

/** What Pulumi, its plugins and the engine say, and the way out of it. */
const CAUSES: readonly Cause[] = [
  {
    pattern: /incorrect passphrase|message authentication failed|could not decrypt/i,
    explain: wrongPassphrase,
  },
  {
    pattern: /the platform's policy; nothing was changed/,
    explain: (_, why) => ({
      what: "the program would make what the policy forbids",
      why,
      fix: "change the component that makes the resource; the rules are in policy/",
    }),
  },
  { pattern: /no space left on device|ENOSPC/i, explain: (_, why) => fullDisk(why) },
  {
    pattern: /port is already allocated|address already in use/i,
    explain: (stack, why) => ({
      what: "a port that the edge needs is taken",
      why,
      fix: `end the program that has it, or change edge.https and edge.http in Pulumi.${stack}.yaml`,
    }),
  },
  {
    pattern: /stack is currently locked/i,
    explain: (stack, why) => ({
      what: `another operation works on the stack "${stack}"`,
      why,
      fix: `wait until it ends; a lock of a dead process is removed by ${redfleet("up", stack)}`,
    }),
  },
  {
    pattern: /cannot connect to the docker daemon|docker daemon running\?|error during connect/i,
    explain: (_, why) => engineGone(why),
  },
  {
    pattern: /non-overlapping IPv4 address pool|pool overlaps/i,
    explain: (_, why) => ({
      what: "the engine has no addresses left for another network",
      why,
      fix: 'remove unused networks (docker network prune), or set "default-address-pools" in /etc/docker/daemon.json',
    }),
  },
];

/** What is known about a failure by its text; undefined for one that nobody foresaw. */
export function knownCause(stack: string, text: string): Explanation | undefined {
  return CAUSES.find(({ pattern }) => pattern.test(text))?.explain(stack, text);
}

/** Turns a failed run of Pulumi into what happened, why, and the way out. */
export function explainFailure(stack: string, operation: string, result: PulumiResult): CliError {
  if (result.interrupted) return interruption(stack, operation, result.interrupted);
  const { errors, failedContainers } = result.report;
  const told = errors.map(({ name, message }) => (name ? `${name}: ${message}` : message));
  const why = [...new Set(told), result.stderr.trim()].filter(Boolean).join("\n");
  const failed = [...failedContainers].join(", ");
  return new CliError(
    knownCause(stack, why) ?? {
      what: `pulumi ${operation} failed${failed ? `: ${failed}` : ""}`,
      why: why || `it ended with exit code ${result.code} and no message`,
      fix: "correct the cause, then run the command again: what is done stays done",
    },
  );
}

/** Commands of ours, by the operation that they are there for; any other is a part of one of them. */
const COMMANDS: Readonly<Record<string, string>> = { up: "up", destroy: "down" };

/** Whoever ended it knows why: what Pulumi says of what it could not finish is no cause of anything. */
function interruption(stack: string, operation: string, signal: NodeJS.Signals): CliError {
  const command = COMMANDS[operation];
  const again = command ? redfleet(command, stack) : "run the command again";
  return new CliError({
    what: `interrupted (${signal}) in the middle of pulumi ${operation}`,
    why: "what was done by then is done",
    fix: `${again}: it goes on where this run ended`,
    exitCode: 128 + constants.signals[signal],
  });
}
