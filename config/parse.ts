import { readFileSync } from "node:fs";
import { readDraft } from "./draft.ts";
import type { Problem } from "./errors.ts";
import { projectPath } from "./local.ts";
import { valueAt } from "./problems.ts";
import { capacityRules } from "./rules/capacity.ts";
import { destructionRules } from "./rules/destruction.ts";
import { edgeRules } from "./rules/edge.ts";
import { environmentRules } from "./rules/environment.ts";
import { externalRules } from "./rules/external.ts";
import { hostRules } from "./rules/hosts.ts";
import { imageRules } from "./rules/images.ts";
import { moduleRules } from "./rules/modules.ts";
import { nameRules } from "./rules/names.ts";
import { renameRules } from "./rules/renames.ts";
import type { Rule, RuleContext } from "./rules/rule.ts";
import { storeRules } from "./rules/stores.ts";
import { tenantRules } from "./rules/tenants.ts";
import type { PlatformConfig } from "./schema.ts";

const RULES: readonly Rule[] = [
  nameRules,
  hostRules,
  storeRules,
  externalRules,
  tenantRules,
  renameRules,
  destructionRules,
  environmentRules,
  moduleRules,
  imageRules,
  edgeRules,
  capacityRules,
];

/** What is known about a platform: all its problems, and its configuration once there are none. */
export interface Parsed {
  readonly problems: readonly Problem[];
  /** Usable only when `problems` is empty. */
  readonly config: PlatformConfig;
}

/** Checks a platform by schema and by every rule across fields, and reports everything at once. */
export function parsePlatform(
  input: unknown,
  context: Omit<RuleContext, "readFile" | "given"> & Partial<Pick<RuleContext, "readFile">>,
): Parsed {
  const draft = readDraft(input);
  const full: RuleContext = {
    readFile: (path) => readFileSync(projectPath(path), "utf8"),
    given: (path) => valueAt(input, path) !== undefined,
    ...context,
  };
  const said = new Set(draft.problems.map(({ path }) => path));
  const across = RULES.flatMap((rule) => rule(draft.config, full));
  // A value that already broke its own rule was replaced by a default: nothing more to say there.
  const problems = [...draft.problems, ...across.filter(({ path }) => !said.has(path))];
  return { problems, config: draft.config };
}
