import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { EnvironmentError, parseEnvironment } from "../../images/node-red/runtime/environment.ts";

const folder = mkdtempSync(join(tmpdir(), "redfleet-environment-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const good = () => ({
  REDFLEET_STACK: "dev",
  REDFLEET_ROLE: "editor",
  REDFLEET_NAME: "main",
  REDFLEET_MONGODB_URI_FILE: file("uri", "mongodb://user:password@a,b,c/x\n"),
  REDFLEET_MONGODB_DATABASE: "cluster-main",
  REDFLEET_CREDENTIAL_SECRET_FILE: file("secret", "s3cret\n"),
});

function problemsOf(environment: Record<string, string>) {
  try {
    parseEnvironment(environment);
  } catch (error) {
    if (error instanceof EnvironmentError) return error.problems;
    throw error;
  }
  return [];
}

describe("environment", () => {
  it("fills in defaults and reads the files", () => {
    const config = parseEnvironment(good());
    expect(config).toMatchObject({
      role: "editor",
      httpPort: 1880,
      healthPort: 1881,
      httpNodeRoot: "/",
      mongodb: { uri: "mongodb://user:password@a,b,c/x", database: "cluster-main" },
      credentialSecret: "s3cret",
      drainSeconds: 5,
      pollSeconds: 30,
    });
    expect(config.nodesExcludes).toContain("90-exec.js");
  });

  it("needs a credential secret in clusters and none in a tenant's own runtime", () => {
    const { REDFLEET_CREDENTIAL_SECRET_FILE: _, ...rest } = good();
    expect(problemsOf(rest).map(({ path }) => path)).toEqual(["REDFLEET_CREDENTIAL_SECRET_FILE"]);
    expect(problemsOf({ ...rest, REDFLEET_ROLE: "instance" })).toEqual([]);
  });

  it("takes a flow store in Valkey, and then wants nothing of MongoDB", () => {
    const { REDFLEET_MONGODB_URI_FILE: _, REDFLEET_MONGODB_DATABASE: __, ...rest } = good();
    const environment = { ...rest, REDFLEET_FLOW_STORE: "valkey" };
    expect(problemsOf(environment).map(({ path }) => path)).toEqual(["REDFLEET_VALKEY_FILE"]);
    const settings = { server: { host: "valkey", port: 6379 }, prefix: "nr:cluster-main:" };
    const path = file("valkey.json", JSON.stringify(settings));
    const config = parseEnvironment({ ...environment, REDFLEET_VALKEY_FILE: path });
    expect(config).toMatchObject({ flowStore: "valkey", valkey: settings, waitReplicas: 0 });
    expect(config.mongodb).toBeUndefined();
  });

  it("says what is wrong with a Valkey file, and nothing of what it holds", () => {
    const settings = { sentinels: [{ host: "hunter2" }], prefix: "nr" };
    const path = file("bad-valkey.json", JSON.stringify(settings));
    const problems = problemsOf({ ...good(), REDFLEET_VALKEY_FILE: path });
    expect(problems.map(({ rule }) => rule)).toEqual([
      "must name sentinels or a server as {host, port}",
      "prefix must be a text that ends with a colon",
    ]);
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });

  it("names every problem at once, with what to do", () => {
    const problems = problemsOf({
      ...good(),
      REDFLEET_ROLE: "worker",
      REDFLEET_NAME: "A_b",
      REDFLEET_HTTP_PORT: "70000",
      REDFLEET_DRAIN_SECONDS: "long",
      REDFLEET_HTTP_NODE_ROOT: "red-nodes/",
      REDFLEET_MONGODB_DATABASE: "a b",
    });
    expect(problems.map(({ path }) => path).sort()).toEqual([
      "REDFLEET_DRAIN_SECONDS",
      "REDFLEET_HTTP_NODE_ROOT",
      "REDFLEET_HTTP_PORT",
      "REDFLEET_MONGODB_DATABASE",
      "REDFLEET_NAME",
      "REDFLEET_ROLE",
    ]);
    for (const { rule, fix } of problems) expect(rule.length * fix.length).toBeGreaterThan(0);
  });

  it("never says what a secret file holds", () => {
    const uri = file("bad-uri", "postgres://user:hunter2@db");
    const [problem] = problemsOf({ ...good(), REDFLEET_MONGODB_URI_FILE: uri });
    expect(JSON.stringify(problem)).not.toContain("hunter2");
  });

  it("keeps the platform's variables out of the flows' environment", () => {
    const content = { NODE_OPTIONS: "--inspect", PATH: "/", REDFLEET_ROLE: "x", "a-b": "1", N: 1 };
    const environment = file("environment.json", JSON.stringify(content));
    const problems = problemsOf({ ...good(), REDFLEET_ENVIRONMENT_FILE: environment });
    expect(problems).toHaveLength(5);
  });

  it("takes the flows' environment as it is", () => {
    const environment = file("good.json", JSON.stringify({ API_KEY: "k", EMPTY: "" }));
    const config = parseEnvironment({ ...good(), REDFLEET_ENVIRONMENT_FILE: environment });
    expect(config.flowEnvironment).toEqual({ API_KEY: "k", EMPTY: "" });
  });

  it("reads how to reach Valkey, and never says what the file holds", () => {
    const sentinels = [{ host: "10.0.0.1", port: 26379 }];
    const settings = { sentinels, username: "cluster-main", password: "hunter2", prefix: "nr:a:" };
    const read = (content: object) => ({
      ...good(),
      REDFLEET_VALKEY_FILE: file("valkey.json", JSON.stringify(content)),
      REDFLEET_CONTEXT_DEFAULT: "shared",
    });
    const config = parseEnvironment(read(settings));
    expect(config.valkey).toEqual(settings);
    expect(config.context).toEqual({ default: "shared", synchronous: false, timeoutSeconds: 10 });
    const wrong = [
      { ...settings, sentinels: [] },
      { ...settings, sentinels: undefined, server: { host: "a" } },
      { ...settings, prefix: "" },
      [settings],
    ];
    for (const content of wrong) {
      const problems = problemsOf(read(content));
      expect(problems.map(({ path }) => path)).toEqual(["REDFLEET_VALKEY_FILE"]);
      expect(JSON.stringify(problems)).not.toContain("hunter2");
    }
  });

  it("shares context by default only where there is a store for it", () => {
    const problems = problemsOf({ ...good(), REDFLEET_CONTEXT_DEFAULT: "shared" });
    expect(problems).toEqual([
      {
        path: "REDFLEET_CONTEXT_DEFAULT",
        got: "shared",
        rule: "needs REDFLEET_VALKEY_FILE",
        fix: "set it, or take memory",
      },
    ]);
    const unknown = problemsOf({ ...good(), REDFLEET_CONTEXT_SYNCHRONOUS: "yes" });
    expect(unknown.map(({ path }) => path)).toEqual(["REDFLEET_CONTEXT_SYNCHRONOUS"]);
  });

  it("waits for the shared context for 1 to 60 s, and for nothing else", () => {
    const withTimeout = (seconds: string) => ({
      ...good(),
      REDFLEET_CONTEXT_TIMEOUT_SECONDS: seconds,
    });
    expect(parseEnvironment(withTimeout("20")).context.timeoutSeconds).toBe(20);
    for (const seconds of ["0", "61", "10 s"]) {
      const paths = problemsOf(withTimeout(seconds)).map(({ path }) => path);
      expect(paths).toEqual(["REDFLEET_CONTEXT_TIMEOUT_SECONDS"]);
    }
  });
});
