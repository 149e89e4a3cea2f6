import { createServer, type Server } from "node:http";
import { json } from "node:stream/consumers";

/** What a worker says that it has done. */
export interface Deed {
  readonly worker: string;
  readonly fence: number;
  /** Milliseconds of the sink's own clock. */
  readonly at: number;
}

/** The far end of what leaders do: it refuses who was overtaken. */
export class Sink {
  readonly accepted: Deed[] = [];
  readonly refused: Deed[] = [];
  /** How often workers said that they follow. */
  readonly followers = new Set<string>();
  private highest = 0;
  private server: Server | undefined;

  /** Starts; answers its address. */
  async open(): Promise<string> {
    this.server = createServer((request, response) => {
      void json(request).then((body) => {
        this.take(body as { worker: string; fence?: number });
        response.end();
      });
    });
    await new Promise<void>((resolve) => this.server?.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as { port: number }).port}/`;
  }

  private take({ worker, fence }: { worker: string; fence?: number }): void {
    if (fence === undefined) {
      this.followers.add(worker);
      return;
    }
    const deed = { worker, fence, at: performance.now() };
    if (fence < this.highest) this.refused.push(deed);
    else this.accepted.push(deed);
    this.highest = Math.max(this.highest, fence);
  }

  /** The deed that came last. */
  get last(): Deed | undefined {
    return this.accepted.at(-1);
  }

  async close(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }
}
