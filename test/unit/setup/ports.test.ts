import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { assertPortsFree, type Publisher } from "../../../cli/setup/ports.ts";
import { freePorts } from "../../support/ports.ts";

const [http = 0, https = 0] = await freePorts(2);

/** Another stack's edge that publishes the HTTPS port. */
const edge = (IP: string, stack = "other"): Publisher => ({
  Names: [`/${stack}-edge`],
  Labels: { "redfleet.stack": stack },
  Ports: [{ IP, PrivatePort: 8443, PublicPort: https, Type: "tcp" }],
});

const check = (container: Publisher, address = "127.0.0.1") =>
  assertPortsFree(async () => [container], "dev", { address, http, https });

test("one port on two addresses is two ports", async () => {
  await expect(check(edge("127.0.0.1"), "127.0.0.2")).resolves.toBeUndefined();
});

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["0.0.0.0", "127.0.0.1"],
  ["::", "127.0.0.1"],
  ["127.0.0.1", "0.0.0.0"],
])("a port on %s is taken for %s", async (held, wanted) => {
  await expect(check(edge(held), wanted)).rejects.toMatchObject({
    what: `port ${https} on ${wanted} is taken (edge.https)`,
    why: "by the container other-edge",
    fix: "end that program, or set another edge.https in Pulumi.dev.yaml",
  });
});

test("a port of the stack's own edge is its own", async () => {
  await expect(check(edge("127.0.0.1", "dev"))).resolves.toBeUndefined();
});

test("a port that the engine has bound, for a container that it does not tell of yet, is the stack's own", async () => {
  const listen = `require("node:net").createServer().listen(${https}, "127.0.0.1", () => console.log("on"))`;
  const proxy = spawn(process.execPath, ["-e", listen], { argv0: "docker-proxy" });
  try {
    await once(proxy.stdout, "data");
    const answers = [[], [], [edge("127.0.0.1", "dev")]];
    const list = async () => answers.shift() ?? [];
    await assertPortsFree(list, "dev", { address: "127.0.0.1", http, https });
    expect(answers).toEqual([]);
  } finally {
    proxy.kill();
  }
});
