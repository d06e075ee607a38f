import { childFunctions } from './child-scripts.ts';

/**
 * Every change of a record is one script, so that record, indexes and the stream of changes never disagree.
 * They name keys from a prefix: one Redis (or Sentinel), not Cluster. What all of them know stands here:
 * ARGV begins with the prefix, the id of the job and the time in ms.
 */
export const jobFunctions = /* lua */ `
local prefix = ARGV[1]
local id = ARGV[2]
local now = ARGV[3]
local key = prefix .. ':job:' .. id

local function isFinal(status)
  return status == 'successful' or status == 'failed' or status == 'dismissed'
end

local function index(kind, value) return prefix .. ':index:' .. kind .. ':' .. value end

-- Keeps an event for the listeners of one job, counted from 1.
local function keepEvent(jobId, jobKey, event)
  local number = redis.call('HINCRBY', jobKey, 'events', 1)
  redis.call('XADD', prefix .. ':log:' .. jobId, 'MAXLEN', '~', 5000, number .. '-0', unpack(event))
end

-- Messages for the log of the job, as JSON: told with the change that follows.
local function keepMessages(entries)
  for _, entry in ipairs(entries) do keepEvent(id, key, {'kind', 'log', 'entry', entry}) end
end

-- Tells all processes, and the listeners of the job; messages it finds kept.
local function tellOf(jobId, jobKey, kind)
  local seen = redis.call('HMGET', jobKey, 'rev', 'status', 'site', 'owner', 'processID', 'message', 'progress', 'step')
  redis.call('XADD', prefix .. ':changes', 'MAXLEN', '~', 200000, '*',
    'jobId', jobId, 'rev', seen[1] or '0', 'kind', kind, 'status', seen[2] or '', 'site', seen[3] or '',
    'owner', seen[4] or '', 'processID', seen[5] or '')
  if kind == 'log' then return end
  keepEvent(jobId, jobKey, {'kind', kind, 'rev', seen[1] or '0', 'status', seen[2] or '', 'message', seen[6] or '',
    'progress', seen[7] or '0', 'step', seen[8] or ''})
end

local function tell(kind) tellOf(id, key, kind) end

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
