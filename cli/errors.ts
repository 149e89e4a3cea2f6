import { ConfigError } from "../config/errors.ts";
import { redfleet } from "./hint.ts";

/** Exit codes of the command: what a script can tell apart. */
export const EXIT = { failed: 1, usage: 2, engine: 3 } as const;

/** What a failed command tells its user: what happened, why, and the way out. */
export interface Explanation {
  /** One sentence without a full stop: `there is no tenant "acne"`. */
  what: string;
  /** The cause, as far as it is known. */
  why?: string;
  /** A command or an edit that solves it. */
  fix?: string;
  /** Exit code of the process; default 1. */
  exitCode?: number;
}

/** An error that is meant for the user of the command, so it is printed without a stack trace. */
export class CliError extends Error implements Explanation {
  readonly what: string;
  readonly why: string | undefined;
  readonly fix: string | undefined;
  readonly exitCode: number;

  constructor(explanation: Explanation) {
    super(explanation.what);
    this.name = "CliError";
    this.what = explanation.what;
    this.why = explanation.why;
    this.fix = explanation.fix;
    this.exitCode = explanation.exitCode ?? EXIT.failed;
  }
}

const CONNECT_CODES = new Set([
  "ENOENT",
  "ECONNREFUSED",
  "EACCES",
  "EPIPE",
  "ENOTFOUND",
  "ETIMEDOUT",
]);

/** What a connection that was open ends with when the engine goes away. */
const CUT_OFF = new Set(["ECONNRESET", "ECONNABORTED"]);

/** What a file system says to a file that cannot be made. */
const UNWRITABLE = new Set(["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST"]);

interface EngineError extends Error {
  code?: string;
  syscall?: string;
  path?: string;
  address?: string;
  statusCode?: number;
  json?: { message?: string };
}

/** Explains any error; one that nobody foresaw keeps its message and is marked as a bug of ours. */
export function explain(error: unknown): Explanation {
  if (isExplanation(error)) return error;
  if (error instanceof ConfigError) return badConfig(error);
  if (!(error instanceof Error)) return { what: String(error) };
  const engine = error as EngineError;
  if (engine.syscall === "connect" && CONNECT_CODES.has(engine.code ?? "")) return noEngine(engine);
  if (CUT_OFF.has(engine.code ?? "")) return engineGone(engine.message);
  if (engine.code === "ENOSPC") return fullDisk(engine.path ?? engine.message);
  if (UNWRITABLE.has(engine.code ?? "") && engine.path) return unwritable(engine);
  if (engine.statusCode !== undefined) {
    return {
      what: "the Docker engine refused a request",
      why: engine.json?.message ?? engine.message,
      fix: redfleet("doctor"),
    };
  }
  return {
    what: error.message,
    why: "an error that this command does not expect: please report it with REDFLEET_TRACE=1 output",
  };
}

function isExplanation(error: unknown): error is Explanation {
  return (
    typeof error === "object" && error !== null && typeof (error as Explanation).what === "string"
  );
}

function badConfig({ message }: ConfigError): Explanation {
  const [what = "", ...problems] = message.split("\n");
  return {
    what: what.replace(/:$/, ""),
    why: problems.map((problem) => problem.trim()).join("\n"),
    fix: `correct ${problems.length === 1 ? "it" : "them all"}, then try again; docs/errors.md explains the codes in brackets`,
  };
}

function noEngine(error: EngineError): Explanation {
  const where = process.env.DOCKER_HOST ?? error.address ?? "the default socket";
  if (error.code === "EACCES") {
    return {
      what: `no permission to talk to the Docker engine at ${where}`,
      why: "this user may not open the engine's socket",
      fix: "run as root, or add the user to the group docker and log in again",
      exitCode: EXIT.engine,
    };
  }
  const chosen = process.env.DOCKER_HOST !== undefined;
  return {
    what: `the Docker engine does not answer at ${where}`,
    why: `${error.code}: ${chosen ? "DOCKER_HOST says that it is there, and nothing listens" : "it is not running"}`,
    fix: chosen
      ? "start that engine, or unset DOCKER_HOST to use the one on this machine"
      : `${redfleet("up")} starts it; by hand: systemctl start docker`,
    exitCode: EXIT.engine,
  };
}

/** An engine that ended in the middle of what it was asked. */
export function engineGone(why: string): Explanation {
  const host = process.env.DOCKER_HOST;
  return {
    what: `the Docker engine went away${host ? ` (DOCKER_HOST=${host})` : ""}`,
    why,
    fix: host
      ? `start that engine again, then ${redfleet("up")}: it goes on where this run ended`
      : `${redfleet("up")} starts it and goes on where this run ended`,
    exitCode: EXIT.engine,
  };
}

/** @param where the file or folder that could not be written, or what the system said */
export function fullDisk(where: string): Explanation {
  return {
    what: "the disk is full",
    why: where,
    fix: "free some space (docker system df; docker image prune), then run the command again: what is done stays done",
  };
}

function unwritable({ code, path = "" }: EngineError): Explanation {
  const why = {
    EROFS: "it is on a file system that is mounted read-only",
    ENOTDIR: "a part of that path is a file, not a folder",
    EEXIST: "there is a file where a folder has to be",
  };
  return {
    what: `${path} cannot be written`,
    why: why[code as keyof typeof why] ?? "it belongs to another user",
    fix: "make the clone and its folder .redfleet writable for this user (chown -R), or clone elsewhere",
  };
}

/** Renders an explanation for a terminal. */
export function renderExplanation(explanation: Explanation): string {
  const lines = [`error: ${explanation.what}`];
  if (explanation.why) lines.push(`  why: ${indent(explanation.why)}`);
  if (explanation.fix) lines.push(`  way out: ${indent(explanation.fix)}`);
  return lines.join("\n");
}

const indent = (text: string): string => text.trim().replaceAll("\n", "\n    ");
