/**
 * What the store does for a lock, each as one step. KEYS[1]: the lock. ARGV[1]: the owner's token
 * (token.ts).
 */

/**
 * Takes a free lock for ARGV[2] milliseconds. Answers 0, or the milliseconds until it may be free, and the token
 * of its owner. More than the owner's lease is left only when the server's clock was set back, and counts as one
 * lease from now on.
 */
export const ACQUIRE = `
local owner = redis.call('GET', KEYS[1])
if not owner then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return {0, ARGV[1]}
end
local left = redis.call('PTTL', KEYS[1])
local lease = tonumber(string.match(owner, '^%d+'))
if lease and (left > lease or left < 0) then
  redis.call('PEXPIRE', KEYS[1], lease)
  left = lease
end
return {math.max(left, 1), owner}
`;

/** Keeps a lock that is still the owner's. Answers 1, or 0 when it is not. */
export const EXTEND = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`;

/** Frees a lock that is still the owner's, and tells those who wait on the channel ARGV[2]. */
export const RELEASE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[2], KEYS[1])
return 1
`;
