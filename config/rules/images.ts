import { join } from "node:path";
import { sortedEntries } from "../canonical.ts";
import type { Problem } from "../errors.ts";
import { problem, type Rule, type RuleContext } from "./rule.ts";

/**
 * A template's image is the platform's with more in it: the runtime, its health check and its start are the
 * platform's business, and come anew with each version of it. An entry point would change the start; a command and
 * a health check would do nothing, since every container has the platform's.
 */
export const imageRules: Rule = (config, context) =>
  sortedEntries(config.templates).flatMap(([key, { image }]) =>
    image === undefined ? [] : check(`templates.${key}.image`, image, context),
  );

function check(path: string, folder: string, { readFile }: RuleContext): Problem[] {
  const wrong = (rule: string, fix: string) => [
    problem("REDFLEET_CFG_IMAGE", path, folder, rule, fix),
  ];
  let text: string;
  try {
    text = readFile(join(folder, "Dockerfile"));
  } catch {
    return wrong("a folder with a readable Dockerfile", "check the path");
  }
  const all = instructions(text);
  const last = all.findLastIndex(({ word }) => word === "FROM");
  const first = all.findIndex(({ word }) => word === "FROM");
  const isGiven = all.slice(0, first).some(({ word, rest }) => word === "ARG" && rest === "BASE");
  if (!isGiven || !/^(\$BASE|\$\{BASE\})( AS \S+)?$/i.test(all[last]?.rest ?? "")) {
    return wrong("begins with ARG BASE, its last stage is FROM $BASE", "change its Dockerfile");
  }
  const own = all.slice(last).map(({ word }) => word);
  return Object.entries(REFUSED).flatMap(([word, why]) =>
    own.includes(word) ? wrong(`no ${word}: ${why}`, "take it out") : [],
  );
}

/** Instructions of the last stage that are the platform's. */
const REFUSED = {
  ENTRYPOINT: "the platform starts Node-RED itself",
  CMD: "the platform starts Node-RED itself",
  HEALTHCHECK: "the platform checks Node-RED itself",
};

/** `RUN <<EOF` to its `EOF`, which may be quoted; with `<<-` that may stand behind tabs. */
const HEREDOC =
  /^(?<begin>[ \t]*(?:RUN|COPY|ADD)\b.*?<<-?(["']?)(?<mark>\w+)\2.*)\n(?:.*\n)*?\t*\k<mark>$/gim;

/** The instructions of a Dockerfile, those over several lines as one, without the text of heredocs. */
function instructions(text: string): { word: string; rest: string }[] {
  const lines = text
    .replace(/^[ \t]*#.*$/gm, "")
    .replace(/\\\s*\n+/g, " ")
    .replace(HEREDOC, "$<begin>");
  return lines.split("\n").flatMap((line) => {
    const [word = "", ...rest] = line.trim().split(/\s+/);
    return word === "" ? [] : [{ word: word.toUpperCase(), rest: rest.join(" ") }];
  });
}
