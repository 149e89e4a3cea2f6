import { readFileSync } from "node:fs";
import type { Resource } from "./resource.ts";
import { type Violation, violations } from "./rules.ts";

/** The part of `pulumi preview --json` that the rules look at. */
export interface PreviewDigest {
  readonly steps?: readonly PreviewStep[];
}

interface PreviewStep {
  readonly op: string;
  readonly urn: string;
  readonly newState?: {
    readonly type: string;
    readonly inputs?: Record<string, unknown>;
    readonly protect?: boolean;
    readonly retainOnDelete?: boolean;
  };
}

/** Runs the rules over what a preview would leave behind. */
export function judgePreview(preview: PreviewDigest): Violation[] {
  return violations((preview.steps ?? []).flatMap(resourceOf));
}

/** The resources that exist after a step; deletions leave none. */
function resourceOf({ urn, newState }: PreviewStep): Resource[] {
  if (newState === undefined) return [];
  return [
    {
      urn,
      type: newState.type,
      name: urn.split("::").at(-1) ?? urn,
      props: newState.inputs ?? {},
      protect: newState.protect ?? false,
      retainOnDelete: newState.retainOnDelete ?? false,
    },
  ];
}

/** Prints violations, one a line, for people and scripts. */
export function formatViolations(found: readonly Violation[]): string {
  return found
    .map(({ rule, urn, message }) => `${urn.split("::").at(-1)}: ${message} [${rule}]`)
    .join("\n");
}

if (import.meta.main) {
  // pulumi preview --json | node policy/gate.ts
  const found = judgePreview(JSON.parse(readFileSync(0, "utf8")) as PreviewDigest);
  if (found.length > 0) console.error(formatViolations(found));
  process.exitCode = found.length > 0 ? 1 : 0;
}
