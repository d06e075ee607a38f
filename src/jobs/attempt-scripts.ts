import { jobFunctions } from './script-functions.ts';

/** Attempts that are remembered of one job; the oldest go first. */
const triesKept = 20;

/**
 * ARGV: prefix, jobId, nowMs, worker. Starts an attempt: its number is the fence that all its writes
 * carry. An attempt still `open` died without handing over. Answers `ok attempt`, `missing`, `ended`, or
 * `unwanted` for a child that its parent does not want begun any more.
 */
export const beginScript = /* lua */ `${jobFunctions}
local was = redis.call('HMGET', key, 'status', 'undo', 'open', 'step', 'deathStep', 'deaths')
if not was[1] then return {'missing'} end
if isFinal(was[1]) and was[2] ~= 'pending' then return {'ended'} end
if was[1] == 'accepted' and isParentDone() then return {'unwanted'} end
if was[3] == '1' then
  local step = was[4] or ''
  local deaths = 1
  if was[5] == step then deaths = (tonumber(was[6]) or 0) + 1 end
  redis.call('HSET', key, 'deathStep', step, 'deaths', deaths)
  closeTry(redis.call('HGET', key, 'attempt'), 'died')
end
local attempt = redis.call('HINCRBY', key, 'attempt', 1)
redis.call('HSET', key, 'try:' .. attempt, cjson.encode({attempt = attempt, startedMs = tonumber(now)}))
redis.call('HDEL', key, 'try:' .. (attempt - ${triesKept}))
if was[1] == 'accepted' then setStatus('running') end
redis.call('HSETNX', key, 'startedMs', now)
redis.call('HSET', key, 'open', '1', 'worker', ARGV[4], 'updatedMs', now)
redis.call('HDEL', key, 'parked', 'children:call')
redis.call('HDEL', prefix .. ':pending', id)
redis.call('HINCRBY', key, 'rev', 1)
tell('attempt')
return {'ok', tostring(attempt)}
`;

/**
 * ARGV: prefix, jobId, nowMs, fence or '', kind of change, fields (JSON pairs; '' removes),
 * new status or '', messages for the log (JSON list of JSON), how long a failed job holds its uploads (ms).
 * Answers `ok rev promoted…`, `missing`, `fenced`, or `ended status`.
 */
export const changeScript = /* lua */ `${jobFunctions}
-- What jobs of this kind take there, for forecasts. A parent only waits.
local function keepDuration()
  local seen = redis.call('HMGET', key, 'processID', 'queue', 'startedMs', 'children:total')
  if not seen[3] or seen[4] then return end
  local durations = prefix .. ':durations:' .. seen[1] .. '|' .. seen[2]
  redis.call('LPUSH', durations, tonumber(now) - tonumber(seen[3]))
  redis.call('LTRIM', durations, 0, 49)
end
local was = redis.call('HMGET', key, 'status', 'attempt', 'undo')
if not was[1] then return {'missing'} end
if ARGV[4] ~= '' and was[2] ~= ARGV[4] then return {'fenced', was[2]} end
keepMessages(cjson.decode(ARGV[8]))
local endedBefore = isFinal(was[1]) and was[3] ~= 'pending'
if ARGV[4] == '' and endedBefore then return {'ended', was[1]} end
local status = ARGV[7]
if status ~= '' and isFinal(was[1]) and status ~= was[1] then return {'ended', was[1]} end
for _, pair in ipairs(cjson.decode(ARGV[6])) do
  if pair[2] == '' then redis.call('HDEL', key, pair[1]) else redis.call('HSET', key, pair[1], pair[2]) end
end
if status ~= '' then setStatus(status) end
redis.call('HSET', key, 'updatedMs', now)
redis.call('HINCRBY', key, 'rev', 1)
if ARGV[4] ~= '' and ARGV[5] == 'handed-over' then closeTry(was[2], 'handed-over') end
if ARGV[4] ~= '' and ARGV[5] == 'parked' then closeTry(was[2], 'rested', redis.call('HGET', key, 'message')) end
local promoted = {}
local is = redis.call('HMGET', key, 'status', 'undo', 'rev')
if isFinal(is[1]) and is[2] ~= 'pending' and not endedBefore then
  redis.call('HDEL', key, 'open', 'parked', 'ending', 'secrets', 'children:call')
  redis.call('ZREM', index('undo', 'pending'), id)
  redis.call('HDEL', prefix .. ':pending', id)
  if is[1] == 'successful' then keepDuration() end
  closeTry(was[2], 'ended')
  promoted = release()
end
tell(ARGV[5])
return {'ok', is[3], unpack(promoted)}
`;

/**
 * ARGV: prefix, jobId of the parent, nowMs, fence, rows (JSON: index, status, row). Rows of the table that no job of
 * this parent stands behind: kept from an earlier try, or never begun. One that is there stays.
 * Answers `ok`, `fenced` or `ended`.
 */
export const addRowsScript = /* lua */ `${jobFunctions}
local was = redis.call('HMGET', key, 'status', 'attempt')
if not was[1] or was[2] ~= ARGV[4] then return {'fenced'} end
if isFinal(was[1]) then return {'ended'} end
for _, added in ipairs(cjson.decode(ARGV[5])) do
  if redis.call('HSETNX', prefix .. ':child-rows:' .. id, added.index, added.row) == 1 then
    redis.call('HINCRBY', key, 'children:total', 1)
    redis.call('HINCRBY', key, 'children:' .. added.status, 1)
  end
end
tellParent(id, key)
return {'ok'}
`;

/** ARGV: prefix, jobId, nowMs, messages (JSON list of JSON). For the job's log; a job that is gone gets none. */
export const logScript = /* lua */ `${jobFunctions}
if redis.call('EXISTS', key) == 1 then
  keepMessages(cjson.decode(ARGV[4]))
  tell('log')
end
return 'ok'
`;
