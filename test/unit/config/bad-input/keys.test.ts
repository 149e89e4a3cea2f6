import { badInput, type Case, VALID, withSections } from "../parse.ts";

const MAP = "write its keys below it, or {} for none";
const LIST = "write a list: [one, two], or a line `- one` for each";
const TEXT = "write a text, in quotes where it looks like something else";
const NUMBER = "write a number, without quotes";
const WHOLE = "write one without a fraction";

badInput([
  [
    "a cluster's protection, which earlier versions had",
    withSections({ clusters: { main: { protect: false } } }),
    "clusters.main.protect: unknown key; remove it: the secret stays with the cluster's data until confirmDestroy erases both [REDFLEET_CFG_UNKNOWN_KEY]",
  ],
  [
    "no domain",
    { ...VALID, domain: undefined },
    "domain: required (a text); write it like redfleet.example.org [REDFLEET_CFG_MISSING]",
  ],
  [
    "a tenant without template",
    withSections({ tenants: { acme: {} } }),
    "tenants.acme.template: required (a text); add it [REDFLEET_CFG_MISSING]",
  ],
  ...(
    [
      ["dev", { dev: "yes" }, '"yes"', "true or false; write it without quotes"],
      ["tenants", { tenants: [] }, "[]", `a map; ${MAP}`],
      ["clusters.main", { clusters: { main: null } }, "null", `a map; ${MAP}`],
      ["confirmDestroy", { confirmDestroy: "old" }, '"old"', `a list; ${LIST}`],
      ["target.socket", { target: { kind: "docker", socket: 5 } }, "5", `a text; ${TEXT}`],
      ["mongodb.members", { mongodb: { members: "3" } }, '"3"', `a number; ${NUMBER}`],
      ["mongodb.members", { mongodb: { members: 3.5 } }, "3.5", `a whole number; ${WHOLE}`],
    ] as const
  ).map(
    ([path, sections, got, said]): Case => [
      `a value of another type at ${path}: ${got}`,
      withSections(sections),
      `${path}: got ${got}; ${said} [REDFLEET_CFG_TYPE]`,
    ],
  ),
  [
    "a platform that is no map",
    ["acme"],
    '(whole): got ["acme"]; the platform is a map of settings; put domain, clusters and tenants under redfleet:platform [REDFLEET_CFG_TYPE]',
    "domain: required (a text); write it like redfleet.example.org [REDFLEET_CFG_MISSING]",
  ],
]);
