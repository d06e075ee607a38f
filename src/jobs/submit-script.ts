import { childSubmission } from './child-scripts.ts';
import { jobFunctions } from './script-functions.ts';

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
export const submitScript = /* lua */ `${jobFunctions}
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
