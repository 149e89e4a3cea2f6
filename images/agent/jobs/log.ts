/** One JSON object a line on standard output: what a job did, never a secret. */
export type LogFields = Record<string, unknown>;

/** Writes one line. `event` is a stable word for machines, `fields` what it was done to. */
export function log(
  event: string,
  fields: LogFields = {},
  level: "info" | "warn" | "error" = "info",
) {
  const line = { time: new Date().toISOString(), level, job: jobName(), event, ...fields };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** An error a person can act on; the job prints its message and leaves with status 1. */
export class JobError extends Error {
  override name = "JobError";
}

/** Runs a job to its end: exit status 0, or 1 with one error line. */
export async function runJob(work: () => Promise<void>): Promise<never> {
  try {
    await work();
    process.exit(0);
  } catch (error) {
    const { name, message, code } = error as Error & { code?: unknown };
    log("failed", { error: message, type: name, ...(code === undefined ? {} : { code }) }, "error");
    process.exit(1);
  }
}

function jobName(): string {
  return (process.argv[1] ?? "job").replace(/^.*\//, "").replace(/\.ts$/, "");
}
