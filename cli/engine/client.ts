import Docker from "dockerode";
import { agentSocket } from "../../config/socket.ts";
import { CliError, EXIT, explain } from "../errors.ts";

export type Engine = Docker;

/** Longest wait for one answer of the engine, in milliseconds. */
const TIMEOUT = 30_000;

/**
 * A client of the engine that DOCKER_HOST names, or of the default socket.
 * @throws ConfigError for an engine that is not on this machine
 */
export function engine(): Engine {
  agentSocket(undefined, process.env.DOCKER_HOST);
  return new Docker();
}

/** As {@link engine}, but fails at once with a clear message if nothing answers. */
export async function connectedEngine(): Promise<Engine> {
  const docker = engine();
  await Promise.race([docker.ping(), tooSlow()]).catch((error: unknown) => {
    throw new CliError(explain(error));
  });
  return docker;
}

function tooSlow(): Promise<never> {
  return new Promise((_, reject) => {
    const refuse = () =>
      reject(
        new CliError({
          what: `the Docker engine did not answer within ${TIMEOUT / 1000} s`,
          why: "it is overloaded or hangs",
          fix: "systemctl restart docker (running containers come back by themselves)",
          exitCode: EXIT.engine,
        }),
      );
    setTimeout(refuse, TIMEOUT).unref();
  });
}

/** True for the engine's answer that an object does not exist (any more). */
export function isGone(error: unknown): boolean {
  return (error as { statusCode?: number }).statusCode === 404;
}
