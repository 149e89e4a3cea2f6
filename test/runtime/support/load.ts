import { Agent, request } from "undici";

/** Counts of a load. */
export interface LoadResult {
  ok: number;
  /** Anything but 200, and what never came. */
  lost: string[];
  slowestMs: number;
}

/** Clients that ask one address, each one after the other, until stopped. */
export function startLoad(url: string, clients: number): { stop(): Promise<LoadResult> } {
  const agent = new Agent({ connections: clients, headersTimeout: 60_000 });
  const result: LoadResult = { ok: 0, lost: [], slowestMs: 0 };
  let running = true;
  const ask = async () => {
    const begin = performance.now();
    const { statusCode, body } = await request(url, { dispatcher: agent });
    const answer = await body.text();
    if (statusCode === 200) result.ok += 1;
    else result.lost.push(`${statusCode} ${answer}`);
    result.slowestMs = Math.max(result.slowestMs, performance.now() - begin);
  };
  const client = async () => {
    while (running) {
      await ask().catch((error) => result.lost.push(String(error)));
      await new Promise((done) => setTimeout(done, 2));
    }
  };
  const all = Array.from({ length: clients }, client);
  return {
    stop: async () => {
      running = false;
      await Promise.all(all);
      await agent.close();
      return result;
    },
  };
}
