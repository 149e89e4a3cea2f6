import type { FlowNode } from "../support/flows.ts";
import { until } from "../support/wait.ts";
import { PASSWORD } from "./store.ts";

/** Somebody logged in to one of our editors, without an edge in between. */
export class Editor {
  private readonly origin: string;
  private readonly token: string;

  private constructor(origin: string, token: string) {
    this.origin = origin;
    this.token = token;
  }

  static async login(port: number): Promise<Editor> {
    const origin = `http://127.0.0.1:${port}`;
    const login = { client_id: "node-red-admin", grant_type: "password", scope: "*" };
    const body = JSON.stringify({ ...login, username: "admin", password: PASSWORD });
    const headers = { "content-type": "application/json" };
    return until("the editor lets somebody in", async () => {
      const answer = await fetch(`${origin}/auth/token`, { method: "POST", headers, body });
      if (!answer.ok) throw new Error(`login: ${answer.status} ${await answer.text()}`);
      const { access_token: token } = (await answer.json()) as { access_token: string };
      return new Editor(origin, token);
    });
  }

  /** Saves a whole flow set, as the editor does; only changed nodes restart. */
  deploy(flows: readonly FlowNode[]): Promise<void> {
    return postFlows(this.origin, "nodes", flows, { authorization: `Bearer ${this.token}` });
  }
}

/** Gives flows to a Node-RED by its admin API. @throws unless it takes them. */
export async function postFlows(
  origin: string,
  deploymentType: "nodes" | "reload",
  flows: readonly FlowNode[],
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const answer = await fetch(`${origin}/flows`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "node-red-deployment-type": deploymentType,
      // The server may just be closing a connection that has idled.
      connection: "close",
      ...more,
    },
    body: JSON.stringify(flows),
  });
  if (!answer.ok) throw new Error(`${deploymentType}: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
}
