import type { HealthCheck } from "./target/types.ts";

/** A health check with the platform's timing; the first answer counts after one interval. */
export function healthCheck(
  command: readonly string[],
  timing: Partial<Omit<HealthCheck, "command">> = {},
): HealthCheck {
  return {
    command,
    intervalSeconds: 5,
    timeoutSeconds: 4,
    retries: 6,
    startPeriodSeconds: 60,
    ...timing,
  };
}

/** What the images of the stores and of the edge bring along. */
export const IMAGE_HEALTH = ["/redfleet/health"];
