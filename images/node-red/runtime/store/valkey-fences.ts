/** Counters whose numbers never come twice: fencing numbers of leaders. */
import type { Redis } from "ioredis";

/**
 * KEYS: fences. ARGV: name. The time is the floor: should a failover lose the last number in spite of the
 * replicas that had it, the next one is higher all the same.
 */
const NEXT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local number = math.max(last + 1, now)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', number))
return number
`;

/** The next number of a counter, and how many replicas have it. */
export async function nextFence(
  client: Redis,
  key: string,
  name: string,
  wait: { replicas: number; ms: number },
): Promise<{ number: number; replicas: number }> {
  // WAIT is about what this connection has written, so both go together.
  const answers = await client
    .pipeline()
    .eval(NEXT, 1, key, name)
    .wait(wait.replicas, wait.ms)
    .exec();
  const [number, replicas] = (answers ?? []).map(([error, value]) => {
    if (error) throw error;
    return Number(value);
  });
  if (number === undefined || replicas === undefined) throw new Error("the store did not answer");
  return { number, replicas };
}
