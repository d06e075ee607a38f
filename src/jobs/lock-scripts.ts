import { jobFunctions } from './script-functions.ts';

/**
 * ARGV: prefix, jobId, nowMs. Takes every lock of the job, or joins the line of the first that is
 * taken. Re-entrant; locks and places of jobs that have ended do not count, and they get none. A job at work that
 * takes more does not wait for one that has not begun: that one may be waiting for its slot.
 * Answers `taken`, `missing` or `blocked name holder place`.
 */
export const takeLocksScript = /* lua */ `${jobFunctions}
local held = redis.call('HMGET', key, 'locks', 'seq', 'status')
if not held[1] or not isAlive(id) then return {'missing'} end
local names = cjson.decode(held[1])
for _, name in ipairs(names) do
  local line = prefix .. ':line:' .. name
  local holder = redis.call('HGET', prefix .. ':lock:' .. name, 'jobId')
  if holder and holder ~= id and not isAlive(holder) then
    redis.call('DEL', prefix .. ':lock:' .. name)
    holder = false
  end
  local first = holder
  if not holder then
    for _, other in ipairs(redis.call('ZRANGEBYSCORE', line, '-inf', '(' .. held[2])) do
      if not isAlive(other) then
        redis.call('ZREM', line, other)
      elseif held[3] == 'accepted' or redis.call('HGET', prefix .. ':job:' .. other, 'status') ~= 'accepted' then
        first = other
        break
      end
    end
  end
  if first and first ~= id then
    redis.call('ZADD', line, held[2], id)
    return {'blocked', name, first, tostring(redis.call('ZRANK', line, id) + 1)}
  end
end
for _, name in ipairs(names) do
  redis.call('ZREM', prefix .. ':line:' .. name, id)
  redis.call('HSET', prefix .. ':lock:' .. name, 'jobId', id, 'sinceMs', now)
end
return {'taken'}
`;

/**
 * ARGV: prefix, jobId, nowMs. For a job that gives its place back with nothing begun on the site.
 * Answers with the jobs that may go on.
 */
export const giveLocksBackScript = /* lua */ `${jobFunctions}
local promoted = {}
local seen = redis.call('HMGET', key, 'locks', 'site', 'seq')
for _, name in ipairs(cjson.decode(seen[1] or '[]')) do
  if redis.call('HGET', prefix .. ':lock:' .. name, 'jobId') == id then
    redis.call('DEL', prefix .. ':lock:' .. name)
    -- It keeps its place before later jobs of the same site, which are let through no sooner.
    if seen[2] then redis.call('ZADD', prefix .. ':line:' .. name, seen[3], id) end
    local head = headOf(name)
    if head ~= id then promoted[#promoted + 1] = head end
  end
end
return promoted
`;
