import { expect, test } from "vitest";
import { formatProblem } from "../../../config/errors.ts";
import { parsePlatform } from "../../../config/parse.ts";
import { withSections } from "./parse.ts";

/** Problems of a template whose image has this Dockerfile; undefined: there is none. */
function problems(dockerfile: string | undefined, image = "images/of-ours"): string[] {
  const templates = { own: { nodeRed: 5, image } };
  const parsed = parsePlatform(withSections({ templates }), {
    ...{ stack: "dev", secretNames: [] },
    readFile: (path) => {
      if (path === "images/of-ours/Dockerfile" && dockerfile !== undefined) return dockerfile;
      throw new Error(`no file ${path}`);
    },
  });
  return parsed.problems.map(formatProblem);
}

const said = (rest: string) => [
  `templates.own.image: got "images/of-ours"; ${rest} [REDFLEET_CFG_IMAGE]`,
];

test.each([
  [`ARG BASE\nFROM \${BASE}\nRUN true\n`],
  ["# ours\narg BASE\nfrom $BASE as ours\n"],
  ["ARG BASE\nFROM $BASE\nRUN <<-'EOF' cat > /note\n\tFROM debian\n\tCMD x\n\tEOF\n"],
  ["ARG BASE\nFROM $BASE\nCOPY <<EOF /note\nENTRYPOINT x\nEOF\nRUN true\n"],
  ["ARG BASE\nFROM debian AS tools\nENTRYPOINT x\nFROM $BASE\nCOPY --from=tools /x /x\n"],
])("an image that is made from the platform's: %j", (dockerfile) => {
  expect(problems(dockerfile)).toEqual([]);
});

test.each([
  ["FROM node:24\n"],
  ["ARG BASE\nFROM $BASE\nFROM debian\n"],
  ["FROM debian\nARG BASE\nRUN echo \\\n  FROM $BASE\n"],
  ["# ARG BASE\nFROM $BASE\n"],
  ["ARG BASE\nRUN <<EOF\nFROM $BASE\nEOF\nFROM debian\n"],
  ["ARG BASE=node:24\nFROM $BASE:latest\n"],
  [""],
])("an image that is not: %j", (dockerfile) => {
  expect(problems(dockerfile)).toEqual(
    said("begins with ARG BASE, its last stage is FROM $BASE; change its Dockerfile"),
  );
});

test.each([
  ['EntryPoint ["sh"]', "no ENTRYPOINT: the platform starts Node-RED itself; take it out"],
  ["RUN <<EOF\ntrue\nEOF\nCMD sh", "no CMD: the platform starts Node-RED itself; take it out"],
  ["HEALTHCHECK NONE", "no HEALTHCHECK: the platform checks Node-RED itself; take it out"],
])("an image that starts or checks something else: %j", (instruction, rule) => {
  expect(problems(`ARG BASE\nFROM $BASE\n${instruction}\n`)).toEqual(said(rule));
});

test("a folder that is not there, and none", () => {
  expect(problems(undefined)).toEqual(said("a folder with a readable Dockerfile; check the path"));
  expect(problems(undefined, "")).toEqual([
    'templates.own.image: got ""; the path of a folder with a Dockerfile; name the folder, or take the key out for the platform\'s own image [REDFLEET_CFG_IMAGE]',
  ]);
});
