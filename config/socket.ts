import { ConfigError } from "./errors.ts";

/** Where engines listen when nothing else is said. */
const USUAL = "/var/run/docker.sock";

/**
 * The engine's socket that the agent gets: the stack file's, or the one that DOCKER_HOST names, so that
 * the agent always talks to the engine that Pulumi talks to.
 * @param host value of DOCKER_HOST
 * @throws ConfigError for an engine that is not reached by a socket of this machine
 */
export function agentSocket(configured: string | undefined, host: string | undefined): string {
  if (!host) return configured ?? USUAL;
  const named = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  if (named !== undefined) return configured ?? named;
  const rule = "the agent needs the engine's socket, so the engine has to be on this machine";
  const fix =
    "unset it, or set it to unix:///path/of/docker.sock, and run this where the engine is";
  const problem = {
    code: "REDFLEET_CFG_VALUE",
    path: "DOCKER_HOST",
    got: host,
    rule,
    fix,
  } as const;
  throw new ConfigError([problem], "the environment");
}
