/** What the store does for a lock, each as one step. KEYS[1]: the lock. ARGV[1]: the owner's token. */

/** Takes a free lock for ARGV[2] milliseconds. Answers 0, or the milliseconds until it may be free. */
export const ACQUIRE = `
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
return math.max(redis.call('PTTL', KEYS[1]), 1)
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
