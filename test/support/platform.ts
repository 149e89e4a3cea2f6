import { existsSync } from "node:fs";
import { Admin } from "./admin.ts";
import { EdgeClient } from "./http.ts";
import {
  password,
  platformConfig,
  type Status,
  stackFile,
  status,
  type TestStack,
  up,
  writeStack,
} from "./stack.ts";

/** A running test stack and the ways to talk to it. */
export interface Platform {
  readonly stack: TestStack;
  readonly status: Status;
  readonly client: EdgeClient;
  /** Logs in to a cluster's editor or a tenant as the first user. */
  login(name: string): Promise<Admin>;
}

/** A stack that runs: as it is, or brought up first so that every test file works alone too. */
export async function runningPlatform(stack: TestStack): Promise<Platform> {
  if (!existsSync(stackFile(stack))) writeStack(stack, platformConfig(stack));
  const first = await status(stack);
  const runs = Object.values(first.clusters).some((cluster) => cluster.state === "running");
  if (!runs) await up(stack);
  return talkTo(stack, runs ? first : await status(stack));
}

/** The ways to talk to a stack of a known status. */
export function talkTo(stack: TestStack, known: Status): Platform {
  const client = new EdgeClient(stack, known.caFile);
  const login = async (name: string) => new Admin(client, name).login(await password(stack, name));
  return { stack, status: known, client, login };
}
