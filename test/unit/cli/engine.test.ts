import { describe, expect, test } from "vitest";
import type { Engine } from "../../../cli/engine/client.ts";
import { firstFile } from "../../../cli/engine/copy.ts";
import { readable, telling } from "../../../cli/engine/log-text.ts";
import { demultiplex, parseLogLine } from "../../../cli/engine/logs.ts";
import { editorOf, explainSilence } from "../../../cli/engine/runtime-script.ts";
import { selectParts } from "../../../cli/engine/select.ts";
import { readStack } from "../../../cli/engine/view.ts";
import { part } from "./inspected.ts";

/** A tar entry: header with name, size and type, then the padded content. */
function entry(name: string, type: string, content: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(content.length.toString(8).padStart(11, "0"), 124);
  header.write(type, 156);
  const padded = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  padded.write(content);
  return Buffer.concat([header, padded]);
}

describe("a file out of a container's archive", () => {
  test("is found behind extended headers", () => {
    const archive = Buffer.concat([
      entry("PaxHeaders/ca.crt", "x", "30 mtime=1234567890.123456789\n"),
      entry("ca.crt", "0", "CERTIFICATE"),
      Buffer.alloc(1024),
    ]);
    expect(firstFile(archive)?.toString()).toBe("CERTIFICATE");
  });

  test("does not exist in a folder or in an empty archive", () => {
    expect(firstFile(Buffer.concat([entry("ca/", "5", ""), Buffer.alloc(1024)]))).toBeUndefined();
    expect(firstFile(Buffer.alloc(1024))).toBeUndefined();
  });
});

describe("log output", () => {
  const frame = (text: string) => {
    const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };

  test("is freed of the engine's frames, over characters that span them", () => {
    expect(demultiplex(Buffer.concat([frame("a\n"), frame("ä b\n")]))).toBe("a\nä b\n");
    expect(demultiplex(Buffer.alloc(0))).toBe("");
  });

  test("is split into time and text", () => {
    expect(parseLogLine("2026-01-01T00:00:00.5Z hello world")).toEqual({
      time: "2026-01-01T00:00:00.5Z",
      text: "hello world",
    });
    expect(parseLogLine("2026-01-01T00:00:00.5Z").text).toBe("");
  });
});

describe("a structured line", () => {
  test("of our own programs or of mongod becomes a sentence", () => {
    const own = {
      time: "t",
      level: "warn",
      stack: "t",
      msg: "cannot load",
      revision: 7,
      why: "a b",
    };
    expect(readable(JSON.stringify(own))).toBe('warn  cannot load revision=7 why="a b"');
    const mongod = { t: { $date: "d" }, s: "I", c: "REPL", id: 1, ctx: "x", msg: "Elected" };
    expect(readable(JSON.stringify(mongod))).toBe("I     Elected");
  });

  test.each(["plain text", "{ no json", '{"other":1}'])("%s stays as it is", (line) => {
    expect(readable(line)).toBe(line);
  });
});

test("the line that tells why is found above a stack trace", () => {
  const crash = [
    "starting",
    "  ^^^",
    "",
    "SyntaxError: twice",
    "    at a (b:1)",
    "",
    "Node.js v24.1.0",
  ];
  expect(telling(crash)).toBe("SyntaxError: twice");
  expect(telling(["one", "two", ""])).toBe("two");
  expect(telling([])).toBe("");
});

test("whose a volume is stands in its labels, whatever its name looks like", async () => {
  const labels = { "redfleet.component": "tenant", "redfleet.name": "shop-1" };
  const volumes = [
    { Name: "t-tenant-shop-1-data", Labels: labels },
    { Name: "t-edge-run", Labels: { "redfleet.component": "edge" } },
  ];
  const engine = {
    listContainers: async () => [],
    listVolumes: async () => ({ Volumes: volumes }),
    listNetworks: async () => [],
  };
  expect((await readStack(engine as unknown as Engine, "t")).volumes).toEqual([
    { name: "t-edge-run", component: "edge", key: "" },
    { name: "t-tenant-shop-1-data", component: "tenant", key: "shop-1" },
  ]);
});

describe("a name", () => {
  const parts = [
    part("t-editor-main", "editor", "main"),
    part("t-replica-main-0", "replica", "main"),
    part("t-job-cluster-main", "job", "main"),
    part("t-mongodb-0", "mongodb", ""),
  ];
  const view = { stack: "t", parts, routes: [], volumes: [], networks: [] };
  const names = (name: string) => selectParts(view, name).map((one) => one.name);

  test("means a container, a cluster or tenant, or a component", () => {
    expect(names("t-mongodb-0")).toEqual(["t-mongodb-0"]);
    expect(names("mongodb-0")).toEqual(["t-mongodb-0"]);
    expect(names("main")).toEqual(["t-editor-main", "t-replica-main-0"]);
    expect(names("replica")).toEqual(["t-replica-main-0"]);
    expect(names("job")).toEqual(["t-job-cluster-main"]);
  });

  test("that means nothing is answered with those that do", () => {
    const lines = { what: 'the stack "t" has nothing by the name of "mian"' };
    expect(() => names("mian")).toThrow(expect.objectContaining(lines));
    expect(() => selectParts({ ...view, parts: [] }, "main")).toThrow(
      expect.objectContaining({ fix: "npx redfleet up --stack t" }),
    );
  });
});

describe("a tenant or cluster without a container", () => {
  const route = { hosts: [], upstream: "", prefix: "" };
  const view = {
    ...{ stack: "t", volumes: [], networks: [] },
    parts: [
      part("t-job-tenant-acme", "job", "acme"),
      part("t-replica-main-0", "replica", "main"),
      part("t-edge", "edge", ""),
    ],
    routes: [
      { key: "acme", kind: "tenant", state: "stopped", ...route } as const,
      { key: "lost", kind: "tenant", state: "running", ...route } as const,
      { key: "main", kind: "cluster", state: "running", ...route } as const,
    ],
  };

  test.each([selectParts, editorOf])("is stopped in the stack file, or was removed", (find) => {
    expect(() => find(view, "acme")).toThrow(
      expect.objectContaining({
        what: 'the tenant "acme" is stopped',
        fix: "npx redfleet tenant start acme --up --stack t",
      }),
    );
    expect(() => find(view, "lost")).toThrow(
      expect.objectContaining({ what: 'the tenant "lost" has no container' }),
    );
  });

  test("that only lacks its editor is a cluster all the same", () => {
    expect(() => editorOf(view, "main")).toThrow(
      'the editor of the cluster "main" has no container',
    );
    expect(() => editorOf(view, "edge")).toThrow('"edge" is no cluster or tenant');
  });

  test("is named among those that there are, and jobs name nobody", () => {
    const gone = { ...view, routes: [] };
    expect(() => selectParts(view, "acne")).toThrow(
      expect.objectContaining({ why: "it has acme, edge, job, lost, main, replica" }),
    );
    expect(() => selectParts(gone, "acme")).toThrow(
      expect.objectContaining({ why: "it has edge, job, main, replica" }),
    );
  });
});

describe("an editor that does not answer", () => {
  const editor = part("t-editor-main", "editor", "main");
  const restarting = { Status: "restarting", ExitCode: 1 };
  const later = { StartedAt: "2026-01-01T00:01:00Z" };
  const ended = { Status: "exited", ExitCode: 0 };
  const whatOf = (state: object) =>
    explainSilence("t", editor, part("t-editor-main", "editor", "main", { state }), "no").what;

  test("restarts, if it ended or started meanwhile", () => {
    expect([restarting, later, ended].map(whatOf)).toEqual(Array(3).fill("t-editor-main restarts"));
    expect(explainSilence("t", editor, undefined, "").what).toBe("t-editor-main restarts");
    expect(explainSilence("t", editor, editor, "odd")).toMatchObject({
      what: "t-editor-main did not answer",
      why: "odd",
      fix: "npx redfleet logs t-editor-main --stack t",
    });
  });

  test("is told before it is asked, where it does not run", () => {
    const view = (state: object) => ({
      ...{ stack: "t", routes: [], volumes: [], networks: [] },
      parts: [part("t-editor-main", "editor", "main", { state })],
    });
    expect(() => editorOf(view(restarting), "main")).toThrow("t-editor-main restarts");
    expect(() => editorOf(view(ended), "main")).toThrow(
      expect.objectContaining({
        what: "t-editor-main does not run",
        why: "stopped on the engine (exit code 0)",
        fix: "npx redfleet restart t-editor-main --stack t",
      }),
    );
    expect(() => editorOf(view({ Status: "paused" }), "main")).toThrow(
      expect.objectContaining({ fix: "docker unpause t-editor-main" }),
    );
  });
});
