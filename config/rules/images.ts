import { join } from "node:path";
import { isReservedVariable } from "../../images/node-red/runtime/environment.ts";
import { sortedEntries } from "../canonical.ts";
import { insteadOf } from "../environment.ts";
import type { Problem } from "../errors.ts";
import { problem, type Rule, type RuleContext } from "./rule.ts";

/**
 * A template's image is the platform's with more in it: the runtime, its health check and its start are the
 * platform's business, and come anew with each version of it. An entry point would change the start, a stop
 * signal the end; a command and a health check would do nothing, since every container has the platform's.
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
  const heredoc = all.find(hasHeredoc);
  // What follows one is its text, not instructions.
  if (heredoc !== undefined) {
    return wrong(
      `no heredoc in ${heredoc.word}: ${UNKNOWN}`,
      "join commands by &&, or COPY a file",
    );
  }
  const last = all.findLastIndex(({ word }) => word === "FROM");
  const first = all.findIndex(({ word }) => word === "FROM");
  const isGiven = all
    .slice(0, first)
    .some(({ word, rest }) => word === "ARG" && /^BASE(=|$)/.test(rest));
  if (!isGiven || !/^(\$BASE|\$\{BASE\})( AS \S+)?$/i.test(all[last]?.rest ?? "")) {
    return wrong("begins with ARG BASE, its last stage is FROM $BASE", "change its Dockerfile");
  }
  const flags = new Set(all.flatMap(unknownFlags));
  const own = all.slice(last);
  return [
    ...[...flags].flatMap((flag) => wrong(`no ${flag}: ${UNKNOWN}`, "take it out")),
    ...Object.entries(REFUSED).flatMap(([word, why]) =>
      own.some((one) => one.word === word) ? wrong(`no ${word}: ${why}`, "take it out") : [],
    ),
    ...own
      .flatMap(reservedVariables)
      .flatMap((name) => wrong(`no ENV ${name}: set by the platform`, insteadOf(name))),
  ];
}

/** Instructions of the last stage that are the platform's. */
const REFUSED = {
  ENTRYPOINT: "the platform starts Node-RED itself",
  CMD: "the platform starts Node-RED itself",
  HEALTHCHECK: "the platform checks Node-RED itself",
  STOPSIGNAL: "the platform ends Node-RED itself",
};

/** Variables of the platform that `ENV` sets: `ENV A=1 B="2 3"`, or `ENV A 1`. A longer search path is no harm. */
function reservedVariables({ word, rest }: Instruction): string[] {
  if (word !== "ENV") return [];
  const [first = ""] = rest.split(" ");
  const pairs = first.includes("=")
    ? [...rest.matchAll(/([^\s=]+)=((?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\])*)/g)]
    : [[rest, first, rest.slice(first.length)]];
  return pairs.flatMap(([, name = "", value = ""]) => {
    const isLonger = name === "PATH" && /\$(PATH\b|\{PATH\})/.test(value);
    return isReservedVariable(name) && !isLonger ? [name] : [];
  });
}

const UNKNOWN = "the engine's classic builder, which makes the image, does not know it";

/** Flags that the classic builder knows. Others fail the build, or are passed over. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  RUN: [],
  COPY: ["--from", "--chown"],
  ADD: ["--chown"],
};

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

/** `RUN <<EOF`: an engine before 23 takes the text for instructions, a newer one runs an empty command and says nothing. */
const hasHeredoc = ({ word, rest }: Instruction): boolean =>
  word in FLAGS && /(^| )\d*<<-?\w/.test(rest.replace(/"(\\.|[^"\\])*"|'[^']*'/g, "quoted"));

/** The flags before an instruction's arguments that the classic builder does not know: `RUN --mount`. */
function unknownFlags({ word, rest }: Instruction): string[] {
  const known = FLAGS[word];
  if (known === undefined) return [];
  const [given = ""] = /^(--\S+ )*/.exec(rest) ?? [];
  const names = given.split(" ").flatMap((flag) => flag.split("=")[0] || []);
  return names.filter((name) => !known.includes(name)).map((name) => `${word} ${name}`);
}

/** The instructions of a Dockerfile, those over several lines as one. */
function instructions(text: string): Instruction[] {
  const lines = text.replace(/^[ \t]*#.*$/gm, "").replace(/\\\s*\n+/g, " ");
  return lines.split("\n").flatMap((line) => {
    const [word = "", ...rest] = line.trim().split(/\s+/);
    return word === "" ? [] : [{ word: word.toUpperCase(), rest: rest.join(" ") }];
  });
}
