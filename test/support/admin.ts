import { Comms } from "./comms.ts";
import type { FlowNode } from "./flows.ts";
import type { Answer, EdgeClient, Question } from "./http.ts";

/** A flow set with the revision hash that a save must name. */
export interface FlowSet {
  readonly flows: FlowNode[];
  readonly rev: string;
}

/** Somebody logged in to the admin API of one editor or tenant. */
export class Admin {
  private readonly client: EdgeClient;
  private readonly host: string;
  private token = "";

  constructor(client: EdgeClient, host: string) {
    this.client = client;
    this.host = host;
  }

  /** Logs in as the first user. */
  async login(password: string, username = "admin"): Promise<this> {
    const body = { client_id: "node-red-admin", grant_type: "password", scope: "*" };
    const answer = await this.client.ask(this.host, "/auth/token", {
      method: "POST",
      body: { ...body, username, password },
    });
    if (answer.status !== 200) throw new Error(`login: ${answer.status} ${answer.body}`);
    this.token = JSON.parse(answer.body).access_token;
    return this;
  }

  /** Asks the admin API as that user. */
  ask(path: string, question: Question = {}): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${this.token}`,
      "node-red-api-version": "v2",
      ...question.headers,
    };
    return this.client.ask(this.host, path, { ...question, headers });
  }

  /** Opens the editor's websocket as that user. */
  comms(): Promise<Comms> {
    return Comms.login(this.client.socket(this.host, "/comms"), this.token);
  }

  async flows(): Promise<FlowSet> {
    const answer = await this.ask("/flows");
    if (answer.status !== 200) throw new Error(`GET /flows: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body);
  }

  /** Deploys a whole flow set over the one there is. */
  async deploy(flows: readonly FlowNode[], type = "full"): Promise<void> {
    const { rev } = await this.flows();
    await this.save(flows, rev, type);
  }

  /** Adds or replaces whole tabs and keeps the rest. @returns milliseconds that the save took. */
  async deployTabs(nodes: readonly FlowNode[], type = "nodes"): Promise<number> {
    const tabs = new Set(nodes.filter((node) => node.type === "tab").map((node) => node.id));
    const { flows, rev } = await this.flows();
    const kept = flows.filter((node) => !tabs.has(node.id) && !tabs.has(node.z as string));
    return this.save([...kept, ...nodes], rev, type);
  }

  private async save(flows: readonly FlowNode[], rev: string, type: string): Promise<number> {
    const started = performance.now();
    const answer = await this.ask("/flows", {
      method: "POST",
      headers: { "node-red-deployment-type": type },
      body: { flows, rev },
    });
    if (answer.status !== 200) throw new Error(`deploy: ${answer.status} ${answer.body}`);
    return performance.now() - started;
  }
}
