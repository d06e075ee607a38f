import { childFunctions, childSubmission } from './child-scripts.ts';

/**
 * Every change of a record is one of these scripts, so that record, indexes and the stream of changes
 * never disagree. They name keys from a prefix: one Redis (or Sentinel), not Cluster.
 */

/** Attempts that are remembered of one job; the oldest go first. */
const triesKept = 20;

const common = /* lua */ `
local prefix = ARGV[1]
local id = ARGV[2]
local now = ARGV[3]
local key = prefix .. ':job:' .. id

local function isFinal(status)
  return status == 'successful' or status == 'failed' or status == 'dismissed'
end

local function index(kind, value) return prefix .. ':index:' .. kind .. ':' .. value end

-- Tells all processes, and keeps the event for this job's own listeners, counted from 1.
local function tellOf(jobId, jobKey, kind, entry)
  local seen = redis.call('HMGET', jobKey, 'rev', 'status', 'site', 'owner', 'processID', 'message', 'progress', 'step')
  redis.call('XADD', prefix .. ':changes', 'MAXLEN', '~', 200000, '*',
    'jobId', jobId, 'rev', seen[1] or '0', 'kind', kind, 'status', seen[2] or '', 'site', seen[3] or '',
    'owner', seen[4] or '', 'processID', seen[5] or '')
  local number = redis.call('HINCRBY', jobKey, 'events', 1)
  local event = {'kind', kind}
  if entry then
    event[3], event[4] = 'entry', entry
  else
    event = {'kind', kind, 'rev', seen[1] or '0', 'status', seen[2] or '', 'message', seen[6] or '',
      'progress', seen[7] or '0', 'step', seen[8] or ''}
  end
  redis.call('XADD', prefix .. ':log:' .. jobId, 'MAXLEN', '~', 5000, number .. '-0', unpack(event))
end

local function tell(kind, entry) tellOf(id, key, kind, entry) end

${childFunctions}

local function setStatus(status)
  local was = redis.call('HMGET', key, 'status', 'seq', 'queue')
  if was[1] == status then return end
  redis.call('ZREM', index('status', was[1]), id)
  redis.call('ZADD', index('status', status), was[2], id)
  redis.call('ZREM', index('waiting', was[3]), id)
  redis.call('ZREM', prefix .. ':turns:' .. was[3], id)
  redis.call('HSET', key, 'status', status)
  countChild(was[1], status)
  if isFinal(status) then
    redis.call('HSET', key, 'finishedMs', now)
    redis.call('ZADD', prefix .. ':ended', now, id)
  end
end

-- How an attempt came to its end, for whoever reads the job.
local function closeTry(number, outcome, reason)
  local field = 'try:' .. number
  local kept = redis.call('HGET', key, field)
  if not kept then return end
  local try = cjson.decode(kept)
  if try.outcome then return end
  local step = redis.call('HGET', key, 'step')
  try.outcome, try.endedMs = outcome, tonumber(now)
  if step then try.step = step end
  if reason then try.reason = reason end
  redis.call('HSET', key, field, cjson.encode(try))
end

local function isAlive(other)
  local seen = redis.call('HMGET', prefix .. ':job:' .. other, 'status', 'undo')
  return seen[1] and (not isFinal(seen[1]) or seen[2] == 'pending')
end

-- First in the line of a lock; jobs that are gone leave it on the way.
local function headOf(name)
  local line = prefix .. ':line:' .. name
  local head = redis.call('ZRANGE', line, 0, 0)[1]
  while head and not isAlive(head) do
    redis.call('ZREM', line, head)
    head = redis.call('ZRANGE', line, 0, 0)[1]
  end
  return head
end

-- Gives back what the job holds; answers with the jobs that may go on now.
local function release()
  local promoted = {}
  local held = redis.call('HMGET', key, 'locks', 'uploads', 'status', 'queue', 'owner')
  for _, name in ipairs(cjson.decode(held[1] or '[]')) do
    if redis.call('HGET', prefix .. ':lock:' .. name, 'jobId') == id then
      redis.call('DEL', prefix .. ':lock:' .. name)
    end
    redis.call('ZREM', prefix .. ':line:' .. name, id)
    local holder = redis.call('HGET', prefix .. ':lock:' .. name, 'jobId')
    if not holder or not isAlive(holder) then promoted[#promoted + 1] = headOf(name) end
  end
  for _, upload in ipairs(cjson.decode(held[2] or '[]')) do
    local holds = prefix .. ':upload-holds:' .. upload
    local isSecret = redis.call('HEXISTS', prefix .. ':upload:' .. upload, 'isSecret') == 1
    if held[3] == 'failed' and not isSecret then
      redis.call('ZADD', holds, tonumber(now) + tonumber(ARGV[#ARGV]), id)
    else
      redis.call('ZREM', holds, id)
    end
    if isSecret then redis.call('SADD', prefix .. ':uploads-to-wipe', upload) end
  end
  local openJobs = prefix .. ':open-jobs:' .. held[4]
  if redis.call('HINCRBY', openJobs, held[5], -1) <= 0 then redis.call('HDEL', openJobs, held[5]) end
  promoted[#promoted + 1] = endChild()
  return promoted
end

-- Where a job stands in its queue: the lowest priority first, then in order of acceptance.
local function setTurn(queue, priority, seq)
  redis.call('ZADD', prefix .. ':turns:' .. queue, string.format('%.0f', priority * 2147483648 + seq), id)
end
`;

/** The highest number that BullMQ takes for a priority; the lowest goes first. */
export const lastPriority = 2_097_151;

/**
 * ARGV: prefix, jobId, nowMs, fields (JSON, flat), index entries (JSON pairs), uploads (JSON), owner,
 * idempotency key or '', idempotency lease token, idempotency answer, idempotency life in ms, the time by
 * Redis's clock after which nobody waits for the answer any more, of a child what joins it to its parent
 * (JSON) or '', and how long a failed job holds its uploads (ms).
 *
 * A job without a priority gets one behind the jobs that its owner has in the queue already: so whoever sends
 * thousands waits for himself, not others for him. It joins the lines of its locks at once, so that no priority
 * overtakes there. A child may come with the problem for which it was refused: it has failed without a beginning.
 *
 * Answers `ok seq priority promoted…`, `exists`, `no-upload id`, `idempotency`, `late`, `fenced` or `unwanted`.
 */
export const submitScript = /* lua */ `${common}
${childSubmission}
local owner = ARGV[7]
local clock = redis.call('TIME')
if tonumber(clock[1]) * 1000 + tonumber(clock[2]) / 1000 > tonumber(ARGV[12]) then return {'late'} end
if redis.call('EXISTS', key) == 1 then return {'exists'} end
local child = ARGV[13] ~= '' and cjson.decode(ARGV[13]) or nil
local refusal = child and refuseChild(child)
if refusal then return {refusal} end
for _, upload in ipairs(cjson.decode(ARGV[6])) do
  if redis.call('HGET', prefix .. ':upload:' .. upload, 'owner') ~= owner then return {'no-upload', upload} end
end
if ARGV[8] ~= '' then
  if redis.call('HGET', ARGV[8], 'lease') ~= ARGV[9] then return {'idempotency'} end
end
local seq = redis.call('INCR', prefix .. ':seq')
redis.call('HSET', key, 'seq', seq, 'rev', 1, 'attempt', 0, unpack(cjson.decode(ARGV[4])))
redis.call('ZADD', prefix .. ':index:all', seq, id)
for _, pair in ipairs(cjson.decode(ARGV[5])) do redis.call('ZADD', index(pair[1], pair[2]), seq, id) end
local is = redis.call('HMGET', key, 'queue', 'priority', 'status', 'atMs', 'locks')
local queue, priority = is[1], tonumber(is[2])
local before = redis.call('HINCRBY', prefix .. ':open-jobs:' .. queue, owner, 1)
if priority == 0 then
  priority = math.min(before, ${lastPriority})
  redis.call('HSET', key, 'priority', priority)
end
redis.call('ZADD', index('status', is[3]), seq, id)
if is[3] == 'accepted' then
  redis.call('HSET', prefix .. ':pending', id, queue)
  if (tonumber(is[4]) or 0) <= tonumber(now) then
    redis.call('ZADD', index('waiting', queue), seq, id)
    setTurn(queue, priority, seq)
    for _, name in ipairs(cjson.decode(is[5])) do redis.call('ZADD', prefix .. ':line:' .. name, seq, id) end
  end
end
for _, upload in ipairs(cjson.decode(ARGV[6])) do
  redis.call('ZADD', prefix .. ':upload-holds:' .. upload, '+inf', id)
end
if ARGV[8] ~= '' then
  redis.call('HSET', ARGV[8], 'state', 'done', 'jobId', id, 'answer', ARGV[10])
  redis.call('PEXPIRE', ARGV[8], ARGV[11])
end
if child then joinParent(child, seq) end
local promoted = {}
if isFinal(is[3]) then
  redis.call('HSET', key, 'finishedMs', now)
  redis.call('ZADD', prefix .. ':ended', now, id)
  promoted = release()
end
tell('accepted')
return {'ok', tostring(seq), tostring(priority), unpack(promoted)}
`;

/**
 * ARGV: prefix, jobId, nowMs, fence or '', kind of change, fields (JSON pairs; '' removes),
 * new status or '', how long a failed job holds its uploads (ms).
 * Answers `ok rev promoted…`, `missing`, `fenced`, or `ended status`.
 */
export const changeScript = /* lua */ `${common}
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
 * ARGV: prefix, jobId, nowMs, worker. Starts an attempt: its number is the fence that all its writes
 * carry. An attempt still `open` died without handing over. Answers `ok attempt`, `missing`, `ended`, or
 * `unwanted` for a child that its parent does not want begun any more.
 */
export const beginScript = /* lua */ `${common}
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
 * ARGV: prefix, jobId, nowMs, hold time of uploads (ms). The first final status wins.
 * Answers `missing`, `ended`, `never-began promoted…` or `running`.
 */
export const dismissScript = /* lua */ `${common}
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

/**
 * ARGV: prefix, jobId, nowMs. Takes every lock of the job, or joins the line of the first that is
 * taken. Re-entrant; locks and places of jobs that have ended do not count, and they get none. A job at work that
 * takes more does not wait for one that has not begun: that one may be waiting for its slot.
 * Answers `taken`, `missing` or `blocked name holder place`.
 */
export const takeLocksScript = /* lua */ `${common}
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
export const giveLocksBackScript = /* lua */ `${common}
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

/**
 * ARGV: prefix, jobId of the parent, nowMs, fence, rows (JSON: index, status, row). Rows of the table that no job of
 * this parent stands behind: kept from an earlier try, or never begun. One that is there stays.
 * Answers `ok`, `fenced` or `ended`.
 */
export const addRowsScript = /* lua */ `${common}
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

/** ARGV: prefix, jobId, nowMs, priority. For one that has not begun. Answers `ok`, `missing` or `begun`. */
export const prioritizeScript = /* lua */ `${common}
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
export const forgetScript = /* lua */ `${common}
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
 * ARGV: prefix, '', nowMs, filters (JSON: array of arrays of index names; any of the inner, all of
 * the outer), highest seq (exclusive) or '', how many, how many to look at, limits on times (JSON).
 * Answers with pairs id, seq, newest first; last the seq to go on from, or ''.
 */
export const listScript = /* lua */ `${common}
local filters = cjson.decode(ARGV[4])
local upper = ARGV[5] == '' and '+inf' or '(' .. ARGV[5]
local wanted, budget = tonumber(ARGV[6]), tonumber(ARGV[7])
local times = cjson.decode(ARGV[8])
local hasTimes = next(times) ~= nil
local driver = {prefix .. ':index:all'}
local smallest = redis.call('ZCARD', driver[1])
for _, anyOf in ipairs(filters) do
  local size = 0
  for _, name in ipairs(anyOf) do size = size + redis.call('ZCARD', prefix .. ':index:' .. name) end
  if size <= smallest then
    smallest = size
    driver = {}
    for i, name in ipairs(anyOf) do driver[i] = prefix .. ':index:' .. name end
  end
end
local function fits(candidate)
  for _, anyOf in ipairs(filters) do
    local found = false
    for _, name in ipairs(anyOf) do
      if redis.call('ZSCORE', prefix .. ':index:' .. name, candidate) then found = true break end
    end
    if not found then return false end
  end
  if not hasTimes then return true end
  local at = redis.call('HMGET', prefix .. ':job:' .. candidate, 'createdMs', 'startedMs', 'finishedMs')
  local created, started = tonumber(at[1]), tonumber(at[2])
  if times.createdFromMs and created < times.createdFromMs then return false end
  if times.createdToMs and created > times.createdToMs then return false end
  if times.minDurationMs or times.maxDurationMs then
    if not started then return false end
    local duration = (tonumber(at[3]) or tonumber(now)) - started
    if times.minDurationMs and duration < times.minDurationMs then return false end
    if times.maxDurationMs and duration > times.maxDurationMs then return false end
  end
  return true
end
local answer, looked = {}, 0
while looked < budget do
  local batch = {}
  for _, source in ipairs(driver) do
    local part = redis.call('ZREVRANGEBYSCORE', source, upper, '-inf', 'WITHSCORES', 'LIMIT', 0, 100)
    for i = 1, #part, 2 do batch[#batch + 1] = {part[i], tonumber(part[i + 1])} end
  end
  if #batch == 0 then answer[#answer + 1] = '' return answer end
  table.sort(batch, function(a, b) return a[2] > b[2] end)
  for i = 1, math.min(#batch, 100) do
    looked = looked + 1
    local isTwice = i > 1 and batch[i][2] == batch[i - 1][2] -- with two of the wanted labels
    upper = '(' .. batch[i][2]
    if not isTwice and fits(batch[i][1]) then
      answer[#answer + 1] = batch[i][1]
      answer[#answer + 1] = tostring(batch[i][2])
      if #answer == wanted * 2 then answer[#answer + 1] = tostring(batch[i][2]) return answer end
    end
  end
end
answer[#answer + 1] = string.sub(upper, 2)
return answer
`;

/** ARGV: prefix, jobId, nowMs, entry (JSON). A message for the job's log; a job that is gone gets none. */
export const logScript = /* lua */ `${common}
if redis.call('EXISTS', key) == 1 then tell('log', ARGV[4]) end
return 'ok'
`;

/**
 * ARGV: prefix, '', nowMs, a time, how many logs are kept, how many go at the most. Removes the logs of jobs that
 * ended before the time or are not among the last to end, from where it stopped before. Answers how many went.
 */
export const removeLogsScript = /* lua */ `${common}
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
