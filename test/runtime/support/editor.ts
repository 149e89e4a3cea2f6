import { hash } from "bcryptjs";
import type { MongoClient } from "mongodb";
import type { UserRole } from "../../../images/node-red/runtime/store/types.ts";
import type { FlowNode } from "../../support/flows.ts";
import type { Runtime } from "./runtime.ts";

export const PASSWORD = "correct-horse-battery";

/** Puts a user into a flow store, as the provisioning job does. */
export async function addUser(
  client: MongoClient,
  database: string,
  name: string,
  role: UserRole = "admin",
): Promise<void> {
  const passwordHash = await hash(PASSWORD, 4);
  const users = client.db(database).collection<{ _id: string }>("users");
  await users.replaceOne({ _id: name }, { passwordHash, role }, { upsert: true });
}

export type DeployType = "full" | "nodes" | "flows" | "reload";

/** The answer to a login. */
export async function login(runtime: Runtime, username: string, password = PASSWORD) {
  const client = { client_id: "node-red-editor", grant_type: "password", scope: "" };
  return fetch(`${runtime.url}/auth/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...client, username, password }),
  });
}

/** Somebody who is logged in to an editor. */
export class Editor {
  readonly runtime: Runtime;
  readonly token: string;
  /** Node-RED's own revision hash of what this editor saw last. */
  rev: string | undefined;

  constructor(runtime: Runtime, token: string) {
    this.runtime = runtime;
    this.token = token;
  }

  static async login(runtime: Runtime, username = "admin", password = PASSWORD): Promise<Editor> {
    const answer = await login(runtime, username, password);
    if (!answer.ok) throw new Error(`login: ${answer.status} ${await answer.text()}`);
    const { access_token: token } = (await answer.json()) as { access_token: string };
    return new Editor(runtime, token);
  }

  /** A request to the admin API. */
  call(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = {
      authorization: `Bearer ${this.token}`,
      "content-type": "application/json",
      "node-red-api-version": "v2",
      ...init.headers,
    };
    return fetch(`${this.runtime.url}${path}`, { ...init, headers });
  }

  /** Flows and revision as the editor gets them when it opens. */
  async load(): Promise<FlowNode[]> {
    const { flows, rev } = (await (await this.call("/flows")).json()) as {
      flows: FlowNode[];
      rev: string;
    };
    this.rev = rev;
    return flows;
  }

  /** The answer to the deploy button. */
  async tryDeploy(flows: readonly FlowNode[], type: DeployType = "nodes"): Promise<Response> {
    return this.call("/flows", {
      method: "POST",
      headers: { "node-red-deployment-type": type },
      body: JSON.stringify({ flows, ...(this.rev && { rev: this.rev }) }),
    });
  }

  /** Deploys; returns the revision that the flow store gave. */
  async deploy(flows: readonly FlowNode[], type: DeployType = "nodes"): Promise<number> {
    const answer = await this.tryDeploy(flows, type);
    if (!answer.ok) throw new Error(`deploy: ${answer.status} ${await answer.text()}`);
    this.rev = ((await answer.json()) as { rev: string }).rev;
    return (await this.runtime.status()).revision ?? 0;
  }
}
