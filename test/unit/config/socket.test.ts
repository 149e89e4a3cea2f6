import { expect, test, vi } from "vitest";
import { engine } from "../../../cli/engine/client.ts";
import { agentSocket } from "../../../config/socket.ts";

test.each([
  ["nothing is said", undefined, undefined, "/var/run/docker.sock"],
  ["DOCKER_HOST is empty", undefined, "", "/var/run/docker.sock"],
  [
    "DOCKER_HOST names a socket",
    undefined,
    "unix:///run/user/1000/docker.sock",
    "/run/user/1000/docker.sock",
  ],
  ["the stack file names one, too", "/srv/docker.sock", "unix:///tmp/x.sock", "/srv/docker.sock"],
])("the agent's socket when %s", (_, configured, host, socket) => {
  expect(agentSocket(configured, host)).toBe(socket);
});

test.each(["tcp://127.0.0.1:2375", "ssh://me@there"])("an engine at %s is refused", (host) => {
  expect(() => agentSocket(undefined, host)).toThrow(
    [
      "1 problem in the environment:",
      `  DOCKER_HOST: got ${host}; the agent needs the engine's socket, so the engine has to be on this machine; unset it, or set it to unix:///path/of/docker.sock, and run this where the engine is [REDFLEET_CFG_VALUE]`,
    ].join("\n"),
  );
});

test("no command talks to an engine on another machine", () => {
  vi.stubEnv("DOCKER_HOST", "tcp://127.0.0.1:2375");
  expect(() => engine()).toThrow(/DOCKER_HOST: got tcp:\/\/127.0.0.1:2375/);
  vi.unstubAllEnvs();
});
