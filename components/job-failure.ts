import { stackFlag } from "../config/hints.ts";

/** What a deployment fails with when a job does; `redfleet up` knows the job by it and shows its output. */
export function jobFailure(stack: string, name: string, code: number): string {
  return (
    `the job ${name} ended with exit code ${code}; docker logs ${name} says why; ` +
    `npx redfleet up${stackFlag(stack)} runs it again ` +
    `(plain Pulumi: docker rm ${name}, then pulumi up --refresh --stack ${stack})`
  );
}

/** Name and exit code of the job in such a text. */
export function failedJob(text: string): { name: string; code: number } | undefined {
  const [, name, code] = /the job (\S+) ended with exit code (\d+);/.exec(text) ?? [];
  return name && code ? { name, code: Number(code) } : undefined;
}
