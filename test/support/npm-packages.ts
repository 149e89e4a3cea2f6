import type { TestPackage } from "./npm-registry.ts";

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

/** The same, but it ends the process that loads it where `/run/redfleet/broken` is. */
export function breakable(made: TestPackage): TestPackage {
  const ends = 'if (require("node:fs").existsSync("/run/redfleet/broken")) process.abort();';
  const files = { ...made.files, "stamp.js": `${ends}\n${made.files?.["stamp.js"]}` };
  return { ...made, files };
}
