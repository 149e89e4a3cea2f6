import type { NpmRegistry, TestPackage } from "../../support/npm-registry.ts";
import type { RuntimeOptions } from "./runtime.ts";

/** What a runtime needs to use a registry. */
export function using(registry: NpmRegistry): Pick<RuntimeOptions, "environment" | "files"> {
  return {
    files: { "npm-ca.pem": registry.ca, "npm-token": registry.token },
    environment: {
      REDFLEET_NPM_REGISTRY: registry.url,
      REDFLEET_NPM_CA_FILE: "/run/redfleet/npm-ca.pem",
      REDFLEET_NPM_TOKEN_FILE: "/run/redfleet/npm-token",
      REDFLEET_PALETTE_ALLOW: "*",
    },
  };
}

/** A package with one node type: it sets msg.payload to what `expression` says of it. */
export function nodeModule(
  name: string,
  version: string,
  type: string,
  expression: string,
  manifest: TestPackage["manifest"] = {},
): TestPackage {
  const code = `module.exports = (RED) => {
  function Stamp(config) {
    RED.nodes.createNode(this, config);
    this.on("input", (msg, send, done) => { msg.payload = ${expression}; send(msg); done(); });
  }
  RED.nodes.registerType(${JSON.stringify(type)}, Stamp);
};`;
  const template = `<script type="text/html" data-template-name="${type}"></script>
<script type="text/javascript">RED.nodes.registerType(${JSON.stringify(type)}, { category: "test", inputs: 1, outputs: 1, defaults: {} });</script>`;
  return {
    ...{ name, version },
    manifest: { "node-red": { nodes: { stamp: "stamp.js" } }, ...manifest },
    files: { "stamp.js": code, "stamp.html": template },
  };
}
