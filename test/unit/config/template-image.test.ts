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
  ["ARG BASE=redfleet/node-red\nFROM $BASE\n"],
  ["ARG BASE\nFROM debian AS tools\nENTRYPOINT x\nFROM $BASE\nCOPY --from=tools --chown=0 /x /x\n"],
  ["ARG BASE\nFROM debian\nENV NODE_ENV=test\nSTOPSIGNAL KILL\nFROM $BASE\n"],
  ['ARG BASE\nFROM $BASE\nENV PATH="/opt/x/bin:$PATH" A="NODE_OPTIONS=1 PORT=2" B=\'HOME=/\'\n'],
  [`ARG BASE\nFROM $BASE\nENV PATH /opt/x/bin:\${PATH}\nENV A NODE_OPTIONS=1\n`],
  ["ARG BASE\nFROM $BASE\nRUN echo 'a <<EOF' \"<<\" $((1 << 2)) && x --mount=y\nENV A=<<EOF\n"],
])("an image that is made from the platform's: %j", (dockerfile) => {
  expect(problems(dockerfile)).toEqual([]);
});

test.each([
  ["FROM node:24\n"],
  ["ARG BASE\nFROM $BASE\nFROM debian\n"],
  ["FROM debian\nARG BASE\nRUN echo \\\n  FROM $BASE\n"],
  ["# ARG BASE\nFROM $BASE\n"],
  ["ARG BASE=node:24\nFROM $BASE:latest\n"],
  ["ARG BASES\nFROM $BASE\n"],
  [""],
])("an image that is not: %j", (dockerfile) => {
  expect(problems(dockerfile)).toEqual(
    said("begins with ARG BASE, its last stage is FROM $BASE; change its Dockerfile"),
  );
});

test.each([
  ['EntryPoint ["sh"]', "no ENTRYPOINT: the platform starts Node-RED itself; take it out"],
  ["HEALTHCHECK NONE", "no HEALTHCHECK: the platform checks Node-RED itself; take it out"],
  ["STOPSIGNAL SIGKILL", "no STOPSIGNAL: the platform ends Node-RED itself; take it out"],
])("an image that starts, checks or ends something else: %j", (instruction, rule) => {
  expect(problems(`ARG BASE\nFROM $BASE\n${instruction}\n`)).toEqual(said(rule));
});

test.each([
  ["NODE_OPTIONS", "ENV NODE_OPTIONS=--inspect", "set memory; the heap follows it"],
  ["NODE_OPTIONS", 'env A="x y" \\\n  NODE_OPTIONS="--a --b"', "set memory; the heap follows it"],
  ["node_env", "ENV node_env development", "choose another name"],
  ["LD_PRELOAD", "ENV A=\\ b LD_PRELOAD=/x.so", "choose another name"],
  ["PATH", "ENV PATH=/opt/x/bin", "choose another name"],
])("a variable of the platform, %s: %j", (name, instruction, fix) => {
  expect(problems(`ARG BASE\nFROM $BASE\n${instruction}\n`)).toEqual(
    said(`no ENV ${name}: set by the platform; ${fix}`),
  );
});

const UNKNOWN = "the engine's classic builder, which makes the image, does not know it";

test.each([
  ["RUN", "RUN <<EOF\napt-get update\nCMD x\nEOF"],
  ["RUN", "run cat <<-'EOF' \\\n > /note\n\tx\n\tEOF"],
  ["COPY", 'COPY --chmod=1 <<"EOF" /note\nFROM debian\nEOF'],
  ["ADD", "ADD 3<<EOF /note\nEOF"],
])("a heredoc in %s, which would do nothing: %j", (word, instruction) => {
  const rule = `no heredoc in ${word}: ${UNKNOWN}; join commands by &&, or COPY a file`;
  expect(problems(`ARG BASE\nFROM $BASE\n${instruction}\n`)).toEqual(said(rule));
  expect(problems(`ARG BASE\nFROM debian\n${instruction}\nFROM $BASE\n`)).toEqual(said(rule));
});

test.each([
  ["RUN --mount", "RUN --mount=type=cache,target=/root/.npm npm ci"],
  ["RUN --network", "RUN --network=none true\nRUN --network=none true"],
  ["COPY --chmod", "COPY --from=tools --chmod=755 x /x"],
  ["COPY --link", "copy --link x /x"],
  ["ADD --checksum", "ADD --checksum=sha256:0 https://example.org/x /x"],
])("a flag of another builder: %s", (flag, instruction) => {
  const rule = `no ${flag}: ${UNKNOWN}; take it out`;
  expect(problems(`ARG BASE\nFROM $BASE\n${instruction}\n`)).toEqual(said(rule));
});

test("a folder that is not there, and none", () => {
  expect(problems(undefined)).toEqual(said("a folder with a readable Dockerfile; check the path"));
  expect(problems(undefined, "")).toEqual([
    'templates.own.image: got ""; the path of a folder with a Dockerfile; name the folder, or take the key out for the platform\'s own image [REDFLEET_CFG_IMAGE]',
  ]);
});
