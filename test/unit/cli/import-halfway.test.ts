import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AdminApi } from "../../../cli/edge/admin.ts";
import { applyImport } from "../../../cli/import/apply.ts";

const SETTINGS = { context: { default: "memory", stores: ["memory", "shared"] } };
const READS: Record<string, unknown> = {
  "/settings": SETTINGS,
  "/nodes": [],
  "/flows": { flows: [], rev: "1" },
};
const FOUND = {
  ...{ system: "a test", flows: [{ id: "t", type: "tab" }], credentials: {}, modules: {} },
  library: ["a", "b"].map((path) => ({ type: "functions", path, meta: {}, body: "" })),
  sharedContext: [{ scope: "global", key: "count", value: 1 }],
  leftOut: [],
};

let server: Server;
let refused = "";
/** Where the answer is lost. */
let silent = "";
let written: string[] = [];

beforeAll(async () => {
  server = createServer(({ method, url = "" }, response) => {
    if (method === "GET") return response.end(JSON.stringify(READS[url]));
    if (url === refused) response.statusCode = 413;
    else written.push(url);
    if (url === silent) return response.destroy();
    return response.end(JSON.stringify({ message: "too large" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.close();
});

function importing(found = FOUND) {
  const { port } = server.address() as AddressInfo;
  const admin = new AdminApi({ address: "127.0.0.1", trustFile: null }, `http://127.0.0.1:${port}`);
  return applyImport(found, admin, { into: "main", replace: false, dryRun: false });
}

const B = "/library/local/functions/b";

test.each([
  ["/redfleet/context", [], "up to 1 values of the shared context", "import again"],
  ["/flows", ["/redfleet/context"], "1 values of the shared context", "import again"],
  [
    B,
    ["/redfleet/context", "/flows", B.replace(/b$/, "a")],
    "1 values of the shared context, the flows, 1 of 2 library entries",
    "import again with --replace",
  ],
])(
  "an import that is refused at %s says what it has written",
  async (path, before, told, again) => {
    [refused, silent, written] = [path, "", []];
    await expect(importing()).rejects.toMatchObject({
      why: `too large\nwritten before, and not taken back: ${told}`,
      fix: expect.stringMatching(`when the cause is gone, ${again}: it writes all of it anew$`),
    });
    expect(written).toEqual(before);
  },
);

test.each([
  ["/flows", "perhaps the flows"],
  [B, "the flows, up to 2 of 2 library entries"],
])("an import whose answer from %s is lost says what may be written", async (path, told) => {
  [refused, silent, written] = ["", path, []];
  await expect(importing({ ...FOUND, sharedContext: [] })).rejects.toMatchObject({
    why: `socket hang up\nwritten before, and not taken back: ${told}`,
    fix: expect.stringContaining("import again with --replace"),
  });
  expect(written).toContain(path);
});
