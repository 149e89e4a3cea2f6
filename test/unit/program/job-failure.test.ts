import { expect, test } from "vitest";
import { failedJob, jobFailure } from "../../../components/job-failure.ts";

test("the command knows the job that a deployment failed with, wherever that stands", () => {
  const text = `nu: error: ${jobFailure("nu", "nu-job-tenant-acme", 137)}\nupdate failed`;
  expect(failedJob(text)).toEqual({ name: "nu-job-tenant-acme", code: 137 });
  expect(failedJob("container dev-job-tenant-acme exited with exit code 1")).toBeUndefined();
});
