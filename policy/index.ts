import { PolicyPack } from "@pulumi/policy";
import { RULES } from "./rules.ts";

/**
 * The rules as a policy pack for the vendor's command line: `pulumi preview --policy-pack policy`.
 * A mandatory violation stops the update.
 */
new PolicyPack("redfleet", {
  policies: RULES.map(({ name, description, type, check }) => ({
    name,
    description,
    enforcementLevel: "mandatory",
    validateResource: ({ type: actual, urn, name: resource, props, opts }, report) => {
      if (actual !== type) return;
      const { protect } = opts;
      // A pack does not see retainOnDelete; it judges what is neither protected nor known to be kept.
      const message = check({
        ...{ urn, type, props, protect },
        name: resource,
        retainOnDelete: true,
      });
      if (message !== undefined) report(message);
    },
  })),
});
