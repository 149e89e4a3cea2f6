/**
 * How the members of a store or cluster start: each when the one before is healthy, so that a change never
 * takes two down, or all at once, because nothing of the stack runs and nobody is served yet.
 */
export type Pace = "in turn" | "at once";

/** Variable by which `redfleet up` tells the program the pace; without it members start in turn. */
export const PACE = "REDFLEET_PACE";

/** The pace that an environment asks for. */
export const paceOf = (environment: Readonly<Record<string, string | undefined>>): Pace =>
  environment[PACE] === ("at once" satisfies Pace) ? "at once" : "in turn";
