import { readFileSync, rmSync } from "node:fs";
import { relative } from "node:path";
import type { Failure } from "./outcome.ts";
import { ROOT } from "./process.ts";

/** What came out of one test file. */
export interface FileResult {
  /** Path from the clone. */
  readonly file: string;
  readonly passed: number;
  readonly failures: readonly Failure[];
}

/** The part of vitest's JSON report that is read. */
interface Report {
  readonly testResults: readonly ReportedFile[];
}

interface ReportedFile {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly {
    readonly status: string;
    readonly fullName: string;
    readonly failureMessages?: readonly string[] | null;
  }[];
}

/** Takes a report away and reads it; none, or half a one, has no files. */
export function takeReport(path: string): FileResult[] {
  try {
    const report = JSON.parse(readFileSync(path, "utf8")) as Report;
    return report.testResults.map(fileResult);
  } catch {
    return [];
  } finally {
    rmSync(path, { force: true });
  }
}

/** A skipped test counts as failed, and so does a file that failed outside of its tests. */
function fileResult({ name, status, message, assertionResults }: ReportedFile): FileResult {
  const file = relative(ROOT, name);
  const failures = assertionResults
    .filter((test) => test.status !== "passed")
    .map(({ fullName, status: how, failureMessages }) => ({
      test: `${file} ${fullName}`,
      message: firstLine(failureMessages?.[0]) || how,
    }));
  if (status === "failed" && failures.length === 0) {
    failures.push({ test: file, message: firstLine(message) || "did not load" });
  }
  return {
    file,
    passed: assertionResults.filter((test) => test.status === "passed").length,
    failures,
  };
}

const firstLine = (text: string | undefined): string => (text ?? "").trim().split("\n", 1)[0] ?? "";
