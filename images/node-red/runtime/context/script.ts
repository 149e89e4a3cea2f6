/**
 * One call to the store: a list of operations, applied as one and in order. Values are bytes that the
 * script never looks into, so its cost does not depend on them.
 *
 * KEYS: session, index of scopes, marks of scopes, then for each operation the scope's hash and the field's patches.
 * ARGV: sequence number (0: nothing is written), that of the call that the store must have before this one (else 0),
 * channel, announcement, then for each operation its kind and four arguments.
 */
export const EXCHANGE = `
local seq, before, fresh, refused = tonumber(ARGV[1]), tonumber(ARGV[2]), false, nil
if seq > 0 or before > 0 then
  local last = tonumber(redis.call('GET', KEYS[1]) or '0')
  if last < before then return redis.error_reply('BEFORE the call before did not arrive') end
  -- A call that is sent again, or that comes late over a connection of before, is not applied again.
  fresh = seq > last
  if fresh then
    local answer = redis.pcall('SET', KEYS[1], seq, 'PX', 3600000)
    if answer.err then
      if not string.find(answer.err, 'OOM', 1, true) then return answer end
      refused = answer.err
    end
  end
end

local run = {}
function run.get(hash, log, field)
  return { redis.call('HGET', hash, field), redis.call('LRANGE', log, 0, -1) }
end
function run.keys(hash)
  return redis.call('HKEYS', hash)
end
function run.scopes()
  return redis.call('SMEMBERS', KEYS[2])
end
local change = {}
-- A write to a scope takes its mark off, also one that leaves all as it was. Few scopes have one: those of
-- nodes that are disabled, or just gone.
local marked = fresh and redis.call('EXISTS', KEYS[3]) == 1
local function unmark(scope)
  if marked then redis.call('HDEL', KEYS[3], scope) end
end
function change.set(hash, log, field, bytes, scope)
  unmark(scope)
  if redis.call('HSET', hash, field, bytes) == 1 then redis.call('SADD', KEYS[2], scope) end
  redis.call('DEL', log)
  return 0
end
function change.remove(hash, log, field, _, scope)
  unmark(scope)
  redis.call('HDEL', hash, field)
  redis.call('DEL', log)
  if redis.call('EXISTS', hash) == 0 then redis.call('SREM', KEYS[2], scope) end
  return 0
end
-- Arguments of a patch: field, patch, scope, and what to begin with where nothing is ('' for: do nothing).
function change.patch(hash, log, field, patch, scope, empty)
  if redis.call('HEXISTS', hash, field) == 0 then
    if empty == '' then return 0 end
    redis.call('HSET', hash, field, empty)
    redis.call('SADD', KEYS[2], scope)
  end
  unmark(scope)
  return redis.call('RPUSH', log, patch)
end
-- Puts a base that holds the first patches in the place of these, unless somebody else has.
function change.fold(hash, log, field, base, count, last)
  if redis.call('LINDEX', log, tonumber(count) - 1) ~= last then return 0 end
  redis.call('HSET', hash, field, base)
  redis.call('LTRIM', log, tonumber(count), -1)
  return 0
end
-- Changes nothing: it is announced as all others are, which proves that announcements arrive.
function change.beat()
  return 0
end
function change.mark(_, _, _, mark, scope)
  redis.call('HSET', KEYS[3], scope, mark)
  redis.call('PEXPIRE', KEYS[3], 3600000)
  marked = true
  return 0
end
-- With a mark: only a scope that still has it.
function change.drop(hash, logs, _, _, scope, mark)
  if mark ~= '' and redis.call('HGET', KEYS[3], scope) ~= mark then return 0 end
  unmark(scope)
  for _, field in ipairs(redis.call('HKEYS', hash)) do redis.call('UNLINK', logs .. field) end
  redis.call('UNLINK', hash)
  redis.call('SREM', KEYS[2], scope)
  return 0
end

local answers = {}
for index = 1, (#KEYS - 3) / 2 do
  local at = 5 + (index - 1) * 5
  local kind = ARGV[at]
  local operation = run[kind] or change[kind]
  local ok, answer = true, 0
  if run[kind] or fresh then
    if change[kind] and refused then
      ok, answer = false, refused
    else
      ok, answer = pcall(operation, KEYS[index * 2 + 2], KEYS[index * 2 + 3],
        ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4])
    end
  end
  if ok then
    answers[index] = { 1, answer }
  else
    answers[index] = { 0, type(answer) == 'table' and answer.err or tostring(answer) }
  end
end
if fresh and not refused then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
return answers
`;
