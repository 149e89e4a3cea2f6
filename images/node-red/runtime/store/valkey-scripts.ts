/**
 * What has to happen in one step on a Valkey or Redis server. Redis 6 and later run them: a script
 * is one write for replicas and for the append-only file, and a server that is full, read-only or
 * without its replicas refuses it at its first write.
 */

/**
 * KEYS: current, old, revisions. ARGV: expected revision, flows, credentials, user, digest, write id,
 * revisions to keep, bytes of old revisions to keep, channel.
 * Answers {1, revision, time} or {0, stored revision}. The same write again changes nothing, and
 * writes a mark, so that a WAIT behind it covers the first one too.
 */
export const COMMIT = `
local current, old, revisions = KEYS[1], KEYS[2], KEYS[3]
local stored = tonumber(redis.call('HGET', current, 'revision') or '0')
local revision = tonumber(ARGV[1]) + 1
local known = redis.call('HGET', revisions, revision)
if known and cjson.decode(known).writeId == ARGV[6] then
  redis.call('HSET', current, 'again', ARGV[6])
  return {1, revision, cjson.decode(known).at}
end
if stored ~= revision - 1 then return {0, stored} end

local time = redis.call('TIME')
local at = time[1] * 1000 + math.floor(time[2] / 1000)
local before = redis.call('HMGET', current, 'flows', 'credentials')
redis.call('HSET', current, 'revision', revision, 'flows', ARGV[2], 'credentials', ARGV[3],
  'user', ARGV[4], 'digest', ARGV[5], 'writeId', ARGV[6], 'at', at)
if stored > 0 then
  redis.call('HSET', old, stored .. ':flows', before[1], stored .. ':credentials', before[2])
end
local meta = {user = ARGV[4], digest = ARGV[5], writeId = ARGV[6], at = at, bytes = #ARGV[2] + #ARGV[3]}
redis.call('HSET', revisions, revision, cjson.encode(meta))

local all = redis.call('HGETALL', revisions)
local sizes, kept = {}, {}
for i = 1, #all, 2 do
  kept[#kept + 1] = tonumber(all[i])
  sizes[tonumber(all[i])] = cjson.decode(all[i + 1]).bytes
end
table.sort(kept, function(a, b) return a > b end)
local bytes = 0
for _, each in ipairs(kept) do
  if each ~= revision then bytes = bytes + sizes[each] end
  if each <= revision - tonumber(ARGV[7]) or bytes > tonumber(ARGV[8]) then
    redis.call('HDEL', revisions, each)
    redis.call('HDEL', old, each .. ':flows', each .. ':credentials')
  end
end
redis.call('PUBLISH', ARGV[9], revision)
return {1, revision, at}
`;

/** KEYS: bodies, files. ARGV: name, body, metadata. */
export const WRITE_FILE = `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return 1
`;

/** KEYS: workers. ARGV: worker, report, channel, milliseconds until a silent one is forgotten. */
export const REPORT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local report = cjson.decode(ARGV[2])
report.lastSeen = now
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(report))
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if cjson.decode(all[i + 1]).lastSeen < now - tonumber(ARGV[4]) then redis.call('HDEL', KEYS[1], all[i]) end
end
redis.call('PUBLISH', ARGV[3], ARGV[1])
return now
`;

/** KEYS: turn. ARGV: worker, milliseconds. Takes the turn or keeps it; answers who has it. */
export const TAKE_TURN = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
`;

/** KEYS: turn. ARGV: worker. Hands on what the worker itself has. */
export const END_TURN = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;
