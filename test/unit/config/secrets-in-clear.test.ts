import { expect, test } from "vitest";
import { problemsOf, withSections, withTenant } from "./parse.ts";

const refused = (name: string) =>
  `tenants.acme.env.${name}: a secret does not stand in clear; put it into redfleet:secrets and name it in tenants.acme.secretEnv.${name} [REDFLEET_CFG_INLINE_SECRET]`;

test.each(["API_TOKEN", "DB_PASS", "PASSPHRASE", "APIKEY", "AWS_ACCESS_KEY", "CREDENTIALS"])(
  "the name %s promises a secret",
  (name) => {
    expect(problemsOf(withTenant({ env: { [name]: "x" } }))).toEqual([refused(name)]);
  },
);

const letters = "abcdefghij".repeat(4);

test.each([
  ["a login in an address", "mongodb://bob:pw@db.example.org/flows"],
  ["a private key", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"],
  ["a token of GitHub", `ghp_${letters}`],
  ["a token of Slack", "xoxb-1234567890-abcdef"],
  ["a key of Amazon", `AKIA${"ABCDEFGH".repeat(2)}`],
  ["a JSON web token", `eyJ${letters}.eyJ${letters}.${letters}`],
])("%s is a secret whatever its name", (_, value) => {
  expect(problemsOf(withTenant({ env: { PLAIN: value } }))).toEqual([refused("PLAIN")]);
});

test.each([
  ["COMPASS", "north"],
  ["BYPASS", "on"],
  ["URL", "https://example.org:8443/path@2"],
  ["KEYBOARD", "de"],
])("%s=%s is none", (name, value) => {
  expect(problemsOf(withTenant({ env: { [name]: value } }))).toEqual([]);
});

test("is told of a tenant that lacks its template as well", () => {
  const tenants = { acme: { env: { API_TOKEN: "x" } } };
  expect(problemsOf(withSections({ tenants }))).toEqual([
    refused("API_TOKEN"),
    expect.stringMatching(/^tenants\.acme\.template: /),
  ]);
});

test("a password in an address is refused without being repeated", () => {
  const given = {
    registry: { url: "https://bob:hunter2@npm.example.org" },
    valkey: { external: { urlSecret: "redis://:hunter2@db.example.org" } },
    tenants: {
      acme: { template: "nodered-5", modules: ["https://bob:hunter2@example.org/x.tgz"] },
    },
  };
  const problems = problemsOf(withSections(given), []);
  expect(problems.join("\n")).not.toContain("hunter2");
  expect(problems).toEqual([
    expect.stringContaining('registry.url: got "https://bob:***@npm.example.org"; '),
    expect.stringContaining('tenants.acme.modules.0: got "https://bob:***@example.org/x.tgz"; '),
    "valkey.external.urlSecret: the name of a key in redfleet:secrets, not the secret itself; put it there with npx pulumi config set --secret --path 'redfleet:secrets.<key>' --stack dev, and write its key here [REDFLEET_CFG_INLINE_SECRET]",
  ]);
});
