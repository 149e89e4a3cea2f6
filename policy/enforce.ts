import * as pulumi from "@pulumi/pulumi";
import { resourceOf } from "./resource.ts";
import type { PolicyContext } from "./rule.ts";
import { formatViolations, type Violation, violations } from "./rules.ts";

/**
 * Declares resources under the policy: whatever runs the program (a preview, an `up`, in whatever command
 * line) hears of none of them before the rules have seen all.
 * @throws pulumi.RunError with every violation at once; Pulumi prints its message without a stack trace.
 */
export function underPolicy<T>(context: PolicyContext, declare: () => T): T {
  const found: Violation[] = [];
  const verdict = Promise.withResolvers<pulumi.Resource[]>();
  let late = false;
  pulumi.runtime.registerStackTransformation((args) => {
    found.push(...violations(resourceOf(args), context));
    // Declared in an `apply`, when others exist already: still never made.
    if (late) refuse(found);
    return args.opts.parent === undefined ? held(args, verdict.promise) : undefined;
  });
  const declared = declare();
  late = true;
  try {
    refuse(found);
  } catch (error) {
    verdict.reject(error);
    throw error;
  }
  verdict.resolve([]);
  return declared;
}

function refuse(found: readonly Violation[]): void {
  if (found.length > 0) throw new pulumi.RunError(formatViolations(found));
}

/** A declaration that waits for the verdict; whatever is below it waits for it in turn. */
function held(
  { props, opts }: pulumi.ResourceTransformationArgs,
  verdict: Promise<pulumi.Resource[]>,
): pulumi.ResourceTransformationResult {
  const dependsOn = pulumi.all([opts.dependsOn ?? [], verdict]).apply((needs) => needs.flat());
  return { props, opts: { ...opts, dependsOn } };
}
