import { badInput, type Case, withSections, withTenant } from "../parse.ts";

const CASES: readonly Case[] = [
  [
    "a variable that starts with a digit",
    withTenant({ env: { "1A": "x" } }),
    'tenants.acme.env.1A: got "1A"; must match ^[A-Za-z_][A-Za-z0-9_]*$; rename it [REDFLEET_CFG_ENV_NAME]',
  ],
  [
    "a variable with a dash",
    withTenant({ env: { "A-B": "x" } }),
    'tenants.acme.env.A-B: got "A-B"; must match ^[A-Za-z_][A-Za-z0-9_]*$; rename it [REDFLEET_CFG_ENV_NAME]',
  ],
  [
    "a variable without a name",
    withTenant({ env: { "": "x" } }),
    'tenants.acme.env.: got ""; must match ^[A-Za-z_][A-Za-z0-9_]*$; rename it [REDFLEET_CFG_ENV_NAME]',
  ],
  [
    "a variable whose name would forge a line",
    withTenant({ secretEnv: { "A\n\u001bB": "api" } }),
    'tenants.acme.secretEnv.A\\n\\u001bB: got "A\\n\\u001bB"; must match ^[A-Za-z_][A-Za-z0-9_]*$; rename it [REDFLEET_CFG_ENV_NAME]',
  ],
  [
    "a variable in clear and by reference",
    withTenant({ env: { REGION: "x" }, secretEnv: { REGION: "api" } }),
    'tenants.acme.secretEnv.REGION: got "REGION"; also at tenants.acme.env.REGION; keep one [REDFLEET_CFG_ENV_TWICE]',
  ],
  [
    "a value that is no text",
    withTenant({ env: { PLACES: ["x"] } }),
    'tenants.acme.env.PLACES: got ["x"]; text, a number or a boolean; put structures into JSON text [REDFLEET_CFG_TYPE]',
  ],
  [
    "what the platform knows better",
    withSections({ templates: { odd: { nodeRed: 5, env: { PORT: "80", FLOWS: "x" } } } }),
    'templates.odd.env.FLOWS: got "FLOWS"; set by the platform; leave it out; flows live in the flow store [REDFLEET_CFG_ENV_RESERVED]',
    'templates.odd.env.PORT: got "PORT"; set by the platform; leave it out; the edge finds the runtime [REDFLEET_CFG_ENV_RESERVED]',
  ],
  [
    "a reserved variable",
    withTenant({ env: { NODE_OPTIONS: "--inspect" } }),
    'tenants.acme.env.NODE_OPTIONS: got "NODE_OPTIONS"; set by the platform; set memory; the heap follows it [REDFLEET_CFG_ENV_RESERVED]',
  ],
  [
    "a reserved prefix, in any case",
    withTenant({ env: { npm_config_registry: "x" } }),
    'tenants.acme.env.npm_config_registry: got "npm_config_registry"; set by the platform; choose another name [REDFLEET_CFG_ENV_RESERVED]',
  ],
  ...["USER", "hostname", "NODE_DEBUG", "LD_AUDIT", "TZDIR"].map(
    (name): Case => [
      `the reserved variable ${name}`,
      withTenant({ env: { [name]: "x" } }),
      `tenants.acme.env.${name}: got "${name}"; set by the platform; choose another name [REDFLEET_CFG_ENV_RESERVED]`,
    ],
  ),
  [
    "a secret in clear",
    withTenant({ env: { API_TOKEN: "hunter2" } }),
    "tenants.acme.env.API_TOKEN: a secret does not stand in clear; put it into redfleet:secrets and name it in tenants.acme.secretEnv.API_TOKEN [REDFLEET_CFG_INLINE_SECRET]",
  ],
  [
    "a secret in clear in a template, which names none",
    withSections({ templates: { odd: { nodeRed: 5, env: { TOKEN: "hunter2" } } } }),
    "templates.odd.env.TOKEN: a secret does not stand in clear; put it into redfleet:secrets and name it in secretEnv of each tenant of it [REDFLEET_CFG_INLINE_SECRET]",
  ],
  [
    "a secret that is not there",
    withTenant({ secretEnv: { TOKEN: "acme" } }),
    "tenants.acme.secretEnv.TOKEN: got \"acme\"; no such key in redfleet:secrets; use one of api or: npx pulumi config set --secret --path 'redfleet:secrets.acme' --stack dev [REDFLEET_CFG_SECRET_MISSING]",
  ],
];

badInput(CASES, ["api"]);
