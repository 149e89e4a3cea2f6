import { CliError, type Explanation } from "../errors.ts";
import { redfleet } from "../hint.ts";
import type { ContextValue, FlowNode, LibraryEntry } from "../import/types.ts";
import { type Answer, askEdge, type Edge, type Question } from "./client.ts";

/** Longest wait for a deploy, in seconds: 20 MB of flows take some. */
const DEPLOY_SECONDS = 120;

/** A flow set with the hash that a save over it must name. */
export interface DeployedFlows {
  readonly flows: FlowNode[];
  readonly rev: string;
}

/** What flows find here. */
export interface Target {
  /** Types of nodes. */
  readonly types: ReadonlySet<string>;
  /** Patterns of the npm modules that functions may load; undefined where they may load any. */
  readonly functionModules: readonly string[] | undefined;
  readonly context: ContextStores;
}

/** The context stores that flows can name, and the one of those that name none. */
export interface ContextStores {
  readonly default: string;
  readonly stores: readonly string[];
}

/** What Node-RED tells editors of its settings. */
interface Settings {
  context: ContextStores;
  /** Without lists every module may be loaded; the platform's deny list is "all others". */
  externalModules?: { modules?: { allowList?: string[] } };
}

/** Why Node-RED did not do, or did not answer, what it was asked. */
export class AdminError extends CliError {
  /** True when it may have been done all the same: no answer came, or one of a server that has trouble. */
  readonly mayBeDone: boolean;

  constructor(explanation: Explanation, mayBeDone: boolean) {
    super(explanation);
    this.mayBeDone = mayBeDone;
  }
}

/** Node-RED's admin API of one editor or tenant, through the edge. */
export class AdminApi {
  readonly #edge: Edge;
  readonly #url: string;
  #token = "";

  /** @param url address of the editor or tenant. */
  constructor(edge: Edge, url: string) {
    this.#edge = edge;
    this.#url = url;
  }

  /** Logs in. @throws CliError when the password is not (or no longer) the right one. */
  async login(username: string, password: string): Promise<this> {
    const client = { client_id: "node-red-admin", grant_type: "password", scope: "*" };
    const body = { ...client, username, password };
    const answer = await this.#ask("/auth/token", { method: "POST", body });
    if (answer.status === 401 || answer.status === 403) {
      throw new CliError({
        what: `${this.#url} does not let ${username} in`,
        why: `it answered ${answer.status}: the password was changed, or there were too many tries`,
        fix: "put the current password into a file and name it with --password-file",
      });
    }
    this.#token = (
      JSON.parse(succeeded("the login", answer)) as { access_token: string }
    ).access_token;
    return this;
  }

  /** The flows that are deployed. */
  async flows(): Promise<DeployedFlows> {
    return JSON.parse(succeeded("reading the flows", await this.#ask("/flows")));
  }

  /** What flows find here. */
  async target(): Promise<Target> {
    const settings = succeeded("reading the settings", await this.#ask("/settings"));
    const { context, externalModules } = JSON.parse(settings) as Settings;
    const functionModules = externalModules?.modules?.allowList;
    return { types: await this.#nodeTypes(), functionModules, context };
  }

  async #nodeTypes(): Promise<Set<string>> {
    const answer = await this.#ask("/nodes", { headers: { accept: "application/json" } });
    const sets: { types: string[]; enabled: boolean; err?: string }[] = JSON.parse(
      succeeded("reading the palette", answer),
    );
    return new Set(sets.filter((set) => set.enabled && !set.err).flatMap((set) => set.types));
  }

  /** Sets values of the shared context, by a route of the platform's own. */
  async saveContext(values: readonly ContextValue[]): Promise<void> {
    const question = { method: "POST", body: { values }, timeoutSeconds: 30 };
    succeeded("saving the shared context", await this.#ask("/redfleet/context", question));
  }

  /** Deploys a flow set in place of the one that `rev` names; nodes carry their credentials in clear. */
  async deploy(flows: readonly FlowNode[], rev: string): Promise<void> {
    const headers = { "node-red-deployment-type": "full" };
    const question = { method: "POST", headers, body: { flows, rev } };
    succeeded(
      "the deploy",
      await this.#ask("/flows", { ...question, timeoutSeconds: DEPLOY_SECONDS }),
    );
  }

  /** Saves one entry of the library. */
  async saveLibrary({ type, path, meta, body }: LibraryEntry): Promise<void> {
    const place = path.split("/").map(encodeURIComponent).join("/");
    const content = type === "flows" ? JSON.parse(body) : { ...meta, text: body };
    const question = { method: "POST", body: content, timeoutSeconds: 30 };
    succeeded(
      `saving ${type}/${path}`,
      await this.#ask(`/library/local/${type}/${place}`, question),
    );
  }

  /** @throws AdminError when there is no answer: what Node says of it would be taken for the engine's. */
  async #ask(path: string, question: Question = {}): Promise<Answer> {
    const headers = {
      "node-red-api-version": "v2",
      ...(this.#token !== "" && { authorization: `Bearer ${this.#token}` }),
      ...question.headers,
    };
    const asked = askEdge(this.#edge, new URL(path, this.#url), { ...question, headers });
    return asked.catch((error: Error) => {
      const explanation = {
        what: `${this.#url} does not answer at ${this.#edge.address}`,
        why: error.message,
        fix: `${redfleet("status")} says what runs, ${redfleet("up")} starts what does not`,
      };
      throw new AdminError(explanation, true);
    });
  }
}

/** The body of a good answer. @throws AdminError for a bad one. */
function succeeded(what: string, { status, body }: Answer): string {
  if (status < 300) return body;
  const explanation = {
    what: `${what} was refused with status ${status}`,
    why: messageOf(body),
    fix: `${redfleet("status")} and ${redfleet("logs <name>")} say more`,
  };
  throw new AdminError(explanation, status >= 500);
}

function messageOf(body: string): string {
  try {
    const { message, code } = JSON.parse(body) as { message?: string; code?: string };
    return message ?? code ?? body;
  } catch {
    return body.slice(0, 500);
  }
}
