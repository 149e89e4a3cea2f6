/** The environment that a process cannot do without. */
import { EnvironmentError, parseEnvironment, type RuntimeConfig } from "./environment.ts";
import { createLogger } from "./log.ts";

/** `EX_CONFIG` of sysexits.h. The build of the image expects it of scripts, which have no environment there. */
const EXIT_CODE = 78;

/** Reads the environment; where it is wrong, says all that is and ends the process. */
export function readEnvironment(component: string): RuntimeConfig {
  try {
    return parseEnvironment(process.env);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    const log = createLogger("error", { component });
    for (const problem of error.problems) log.error("the environment is wrong", { ...problem });
    process.exit(EXIT_CODE);
  }
}
