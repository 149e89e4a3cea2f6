import { describe, expect, test, vi } from "vitest";
import { CliError, EXIT, explain, renderExplanation } from "../../../cli/errors.ts";
import { ConfigError } from "../../../config/errors.ts";

const failed = (fields: object) => Object.assign(new Error("raw"), fields);

describe("an error", () => {
  test("of the engine's socket says what to start or whom to ask", () => {
    const down = explain(failed({ code: "ENOENT", syscall: "connect", address: "/run/x.sock" }));
    expect(down).toMatchObject({ exitCode: EXIT.engine });
    expect(down.fix).toContain("npx redfleet up starts it");
    const denied = explain(failed({ code: "EACCES", syscall: "connect", address: "/run/x.sock" }));
    expect(denied.what).toContain("no permission");
  });

  test("of an engine that DOCKER_HOST names says so: no up will start that one", () => {
    vi.stubEnv("DOCKER_HOST", "unix:///run/other.sock");
    const down = explain(failed({ code: "ECONNREFUSED", syscall: "connect" }));
    expect(down.what).toBe("the Docker engine does not answer at unix:///run/other.sock");
    expect(down.fix).toBe("start that engine, or unset DOCKER_HOST to use the one on this machine");
    const gone = explain(failed({ code: "ECONNRESET" }));
    expect(gone.what).toBe("the Docker engine went away (DOCKER_HOST=unix:///run/other.sock)");
    expect(gone.exitCode).toBe(EXIT.engine);
    vi.unstubAllEnvs();
  });

  test("of an engine that ends in the middle of an answer is none of ours", () => {
    const gone = explain(failed({ code: "ECONNRESET" }));
    expect(gone).toMatchObject({ what: "the Docker engine went away", exitCode: EXIT.engine });
    expect(gone.fix).toContain("npx redfleet up starts it");
  });

  test.each([
    ["EROFS", "it is on a file system that is mounted read-only"],
    ["EACCES", "it belongs to another user"],
    ["ENOTDIR", "a part of that path is a file, not a folder"],
  ])("a folder that cannot be written (%s) is named, with the way out", (code, why) => {
    const path = "/clone/.redfleet/setup.lock";
    expect(explain(failed({ code, path, syscall: "open" }))).toMatchObject({
      what: `${path} cannot be written`,
      why,
      fix: expect.stringContaining("chown -R"),
    });
  });

  test("of a full disk names the file and says what to do", () => {
    const full = explain(failed({ code: "ENOSPC", path: "/clone/.redfleet/x" }));
    expect(full).toMatchObject({ what: "the disk is full", why: "/clone/.redfleet/x" });
    expect(full.fix).toContain("docker image prune");
  });

  test("of the engine itself carries the engine's own words", () => {
    const refused = failed({ statusCode: 409, json: { message: "container is paused" } });
    expect(explain(refused).why).toBe("container is paused");
  });

  test("of the configuration shows every problem", () => {
    const problem = { path: "tenants.a", rule: "r", fix: "f", code: "REDFLEET_CFG_NAME" } as const;
    const error = new ConfigError([problem, { ...problem, path: "tenants.b" }], "Pulumi.dev.yaml");
    const text = renderExplanation(explain(error));
    expect(text).toContain("2 problems in Pulumi.dev.yaml");
    expect(text).toContain("tenants.a");
    expect(text).toContain("tenants.b");
  });

  test("of ours is printed as what, why and way out; anything else keeps its message", () => {
    const text = renderExplanation(explain(new CliError({ what: "a", why: "b\nc", fix: "d" })));
    expect(text).toBe("error: a\n  why: b\n    c\n  way out: d");
    expect(explain(new Error("odd")).what).toBe("odd");
    expect(explain("odd").what).toBe("odd");
  });
});
