/** Waits, in milliseconds. */
export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/**
 * Asks again until the answer is truthy and returns it.
 * @param seconds bound; @param every pause between two tries in milliseconds.
 * @throws with `what` and the last answer or error when the time is over.
 */
export async function until<T>(
  what: string,
  attempt: () => Promise<T> | T,
  { seconds = 30, every = 200 } = {},
): Promise<Exclude<T, false | null | undefined>> {
  const end = Date.now() + seconds * 1000;
  let last: unknown;
  do {
    try {
      const answer = await attempt();
      if (answer) return answer as Exclude<T, false | null | undefined>;
      last = answer;
    } catch (error) {
      last = error instanceof Error ? error.message : error;
    }
    await pause(every);
  } while (Date.now() < end);
  throw new Error(`not within ${seconds} s: ${what}; last: ${String(last).slice(0, 500)}`);
}
