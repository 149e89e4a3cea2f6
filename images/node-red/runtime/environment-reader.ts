/** Reads a typed environment: every problem at once, and no secret in any of them. */
import { readFileSync } from "node:fs";

/** One thing that is wrong with the environment. */
export interface Problem {
  path: string;
  got: string;
  rule: string;
  fix: string;
}

/** All problems of an environment at once. */
export class EnvironmentError extends Error {
  readonly problems: Problem[];
  constructor(problems: Problem[]) {
    super(problems.map((p) => `${p.path}: got ${p.got}; ${p.rule}; ${p.fix}`).join("\n"));
    this.name = "EnvironmentError";
    this.problems = problems;
  }
}

export type Source = Record<string, string | undefined>;

/** Reads values and collects what is wrong with them. */
export class Reader {
  readonly problems: Problem[] = [];
  readonly source: Source;
  constructor(source: Source) {
    this.source = source;
  }

  fail(path: string, got: string, rule: string, fix: string): void {
    this.problems.push({ path, got, rule, fix });
  }

  text(key: string, fallback?: string): string {
    const value = this.source[key] ?? "";
    if (value !== "" || fallback !== undefined) return value || (fallback as string);
    this.fail(key, "nothing", "must be set", `set ${key} on the container`);
    return "";
  }

  matching(key: string, pattern: RegExp, rule: string, fallback?: string): string {
    const value = this.text(key, fallback);
    if (value !== "" && !pattern.test(value)) {
      this.fail(key, JSON.stringify(value), rule, "correct the value");
    }
    return value;
  }

  oneOf<T extends string>(key: string, allowed: readonly T[], fallback?: T): T {
    const value = this.text(key, fallback);
    if (value !== "" && !allowed.includes(value as T)) {
      const rule = `must be one of ${allowed.join(", ")}`;
      this.fail(key, JSON.stringify(value), rule, `set ${key} to ${allowed[0]}`);
    }
    return value as T;
  }

  number(key: string, fallback: number, min: number, max: number): number {
    const raw = this.text(key, String(fallback));
    const value = Number(raw);
    if (raw.trim() === "" || !Number.isFinite(value) || value < min || value > max) {
      this.fail(key, JSON.stringify(raw), `a number from ${min} to ${max}`, `default: ${fallback}`);
    }
    return value;
  }

  /** Content of the file that a variable names; undefined when the variable is absent. */
  file(key: string, required: boolean): string | undefined {
    const path = required ? this.text(key) : this.source[key];
    if (!path) return undefined;
    try {
      const content = readFileSync(path, "utf8").trim();
      if (content !== "") return content;
      this.fail(key, path, "the file must not be empty", "write the secret into it");
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? String(error);
      this.fail(key, path, `must be readable (${reason})`, "mount the files volume");
    }
    return undefined;
  }
}

/** The JSON object that a file must hold; undefined, with a problem, when it holds something else. */
export function readObject(
  reader: Reader,
  path: string,
  content: string,
  example: string,
): Record<string, unknown> | undefined {
  let parsed: unknown;
  let got = "no JSON";
  try {
    parsed = JSON.parse(content);
    if (parsed !== null && typeof parsed === "object" && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>;
    }
    got = typeof parsed;
  } catch {
    // What it is instead may be a secret.
  }
  reader.fail(path, got, "the file must be a JSON object", `write ${example}`);
  return undefined;
}
