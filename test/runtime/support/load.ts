import { Agent, request } from "undici";
import { expect } from "vitest";

/** Counts of a load. */
export interface LoadResult {
  ok: number;
  /** Anything but 200, and what never came: which, of how many, when it was asked, and how long it took. */
  lost: string[];
  slowestMs: number;
}

/** Clients that ask one address, each one after the other, until stopped. */
export function startLoad(url: string, clients: number): { stop(): Promise<LoadResult> } {
  const agent = new Agent({ connections: clients, headersTimeout: 60_000 });
  const result: LoadResult = { ok: 0, lost: [], slowestMs: 0 };
  const start = performance.now();
  let running = true;
  let asked = 0;
  /** @returns undefined for an answer with 200, else what came instead of it. */
  const ask = async () => {
    const { statusCode, body } = await request(url, { dispatcher: agent });
    const answer = await body.text();
    return statusCode === 200 ? undefined : `${statusCode} ${answer.trim()}`;
  };
  const client = async () => {
    while (running) {
      const number = ++asked;
      const begin = performance.now();
      const trouble = await ask().catch(explain);
      const tookMs = performance.now() - begin;
      result.slowestMs = Math.max(result.slowestMs, tookMs);
      if (trouble === undefined) result.ok += 1;
      else {
        const when = `asked ${(begin - start).toFixed(1)} ms after the start, ended ${tookMs.toFixed(1)} ms later`;
        const time = new Date(performance.timeOrigin + begin).toISOString();
        result.lost.push(`${url} #${number}: ${trouble} (${when}, ${time})`);
      }
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

/** @throws with all that was lost. */
export function expectNothingLost(results: readonly Pick<LoadResult, "lost">[]): void {
  const lost = results.flatMap((result) => result.lost);
  expect(lost, lost.join("\n")).toEqual([]);
}

/** An error with its code and with the errors that it is made of. */
function explain(error: unknown): string {
  const { code, cause } = error as { code?: string; cause?: unknown };
  return `${String(error)}${code ? ` [${code}]` : ""}${cause ? ` by ${explain(cause)}` : ""}`;
}
