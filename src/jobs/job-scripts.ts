import { jobFunctions } from './script-functions.ts';

/**
 * ARGV: prefix, jobId, nowMs, hold time of uploads (ms). The first final status wins.
 * Answers `missing`, `ended`, `never-began promoted…` or `running`.
 */
export const dismissScript = /* lua */ `${jobFunctions}
local was = redis.call('HMGET', key, 'status', 'attempt')
if not was[1] then return {'missing'} end
if isFinal(was[1]) then return {'ended', was[1]} end
setStatus('dismissed')
redis.call('HSET', key, 'updatedMs', now)
redis.call('HINCRBY', key, 'rev', 1)
if was[2] == '0' then
  redis.call('HSET', key, 'undo', 'nothing-to-do', 'message', 'Dismissed before it began')
  redis.call('HDEL', key, 'parked', 'secrets')
  redis.call('HDEL', prefix .. ':pending', id)
  local promoted = release()
  tell('dismissed')
  return {'never-began', unpack(promoted)}
end
redis.call('HSET', key, 'undo', 'pending', 'message', 'Dismissed; putting back what was begun')
redis.call('ZADD', index('undo', 'pending'), now, id)
tell('dismissed')
return {'running'}
`;

/** ARGV: prefix, jobId, nowMs, priority. For one that has not begun. Answers `ok`, `missing` or `begun`. */
export const prioritizeScript = /* lua */ `${jobFunctions}
local seen = redis.call('HMGET', key, 'status', 'queue', 'seq')
if not seen[1] then return 'missing' end
if seen[1] ~= 'accepted' then return 'begun' end
redis.call('HSET', key, 'priority', ARGV[4], 'updatedMs', now)
if redis.call('ZSCORE', prefix .. ':turns:' .. seen[2], id) then setTurn(seen[2], tonumber(ARGV[4]), tonumber(seen[3])) end
redis.call('HINCRBY', key, 'rev', 1)
tell('priority')
return 'ok'
`;

/** ARGV: prefix, jobId, nowMs. Forgets an ended job and everything that names it. */
export const forgetScript = /* lua */ `${jobFunctions}
local seen = redis.call('HMGET', key, 'status', 'undo', 'owner', 'site', 'processID', 'labels', 'uploads', 'queue', 'reference', 'parentID')
if not seen[1] then return 'missing' end
if not isFinal(seen[1]) or seen[2] == 'pending' then return 'alive' end
if seen[10] and isAlive(seen[10]) then return 'needed' end
for _, pair in ipairs({{'status', seen[1]}, {'owner', seen[3]}, {'site', seen[4]}, {'process', seen[5]}, {'waiting', seen[8]}, {'reference', seen[9]}, {'parent', seen[10]}}) do
  if pair[2] then redis.call('ZREM', index(pair[1], pair[2]), id) end
end
for _, label in ipairs(cjson.decode(seen[6] or '[]')) do redis.call('ZREM', index('label', label), id) end
for _, upload in ipairs(cjson.decode(seen[7] or '[]')) do redis.call('ZREM', prefix .. ':upload-holds:' .. upload, id) end
redis.call('ZREM', prefix .. ':index:all', id)
redis.call('ZREM', prefix .. ':ended', id)
tell('removed')
redis.call('DEL', key, prefix .. ':log:' .. id, prefix .. ':child-rows:' .. id)
redis.call('SET', prefix .. ':tombstone:' .. id, seen[3], 'EX', 86400)
return 'forgotten'
`;

/**
 * ARGV: prefix, '', nowMs, a time, how many logs are kept, how many go at the most. Removes the logs of jobs that
 * ended before the time or are not among the last to end, from where it stopped before. Answers how many went.
 */
export const removeLogsScript = /* lua */ `${jobFunctions}
local ended, place = prefix .. ':ended', prefix .. ':logs-removed'
local limit = tonumber(ARGV[4])
local kept = tonumber(ARGV[5])
local edge = redis.call('ZREVRANGE', ended, kept, kept, 'WITHSCORES')
if edge[2] and tonumber(edge[2]) > limit then limit = tonumber(edge[2]) end
local from = redis.call('GET', place) or '-inf'
local found = redis.call('ZRANGEBYSCORE', ended, '(' .. from, limit, 'WITHSCORES', 'LIMIT', 0, tonumber(ARGV[6]))
for i = 1, #found, 2 do redis.call('UNLINK', prefix .. ':log:' .. found[i]) end
if #found > 0 then redis.call('SET', place, found[#found]) end
return {'ok', tostring(#found / 2)}
`;

/** All members but those that are named, and none that begins with a prefix: what is long stays in Redis. */
export const summaryScript = /* lua */ `
local key = ARGV[1] .. ':job:' .. ARGV[2]
local unshown = {}
for _, name in ipairs(cjson.decode(ARGV[4])) do unshown[name] = true end
local found = {}
for _, name in ipairs(redis.call('HKEYS', key)) do
  if not unshown[name] and string.sub(name, 1, #ARGV[3]) ~= ARGV[3] then
    found[#found + 1] = name
    found[#found + 1] = redis.call('HGET', key, name)
  end
end
return found
`;
