import { childSubmission } from './child-scripts.ts';
import { queueFunctions } from './queue-script.ts';
import { jobFunctions } from './script-functions.ts';

/** The highest number that BullMQ takes for a priority; the lowest goes first. */
export const lastPriority = 2_097_151;

/** What becomes a job's record, and what has to be there in the same moment. Numbers that go into keys are text. */
export type ScriptJob = {
  id: string;
  nowMs: string;
  /** By Redis's clock: from then on nobody waits for the answer any more. */
  untilMs: number;
  processID: string;
  owner: string;
  site: string;
  queue: string;
  status: 'accepted' | 'failed';
  priority: number;
  /** It begins at a later time. */
  isScheduled: boolean;
  /** Goes into BullMQ's queue here and now; else it is pending until somebody has put it there. */
  isQueued: boolean;
  /** What else the record holds, names and values by turns. */
  fields: string[];
  /** Indexes that it stands in, beside those by owner, process, site, status and time. */
  indexes: string[];
  locks: string[];
  uploads: string[];
  idempotency?: { key: string; lease: string; answer: string; keepMs: number };
  child?: { parent: string; fence: string; index: string; row: string; callsParent: boolean };
};

/**
 * ARGV: prefix, '', '', options that BullMQ gets for all jobs (JSON), a job (JSON, `ScriptJob`) each, and last how
 * long a failed job holds its uploads (ms). Each job is written or not for itself, in order.
 *
 * A job without a priority gets one behind the jobs that its owner has in the queue already: so whoever sends
 * thousands waits for himself, not others for him. It joins the lines of its locks at once, so that no priority
 * overtakes there. A child may come with the problem for which it was refused: it has failed without a beginning.
 *
 * Answers for each job `ok seq priority promoted…`, `exists`, `no-upload id`, `idempotency`, `late`, `fenced`,
 * `unwanted` or `error text`.
 */
export const submitScript = /* lua */ `${jobFunctions}
${childSubmission}
${queueFunctions}
local clock = redis.call('TIME')
local clockMs = tonumber(clock[1]) * 1000 + tonumber(clock[2]) / 1000
local queueOptions = cjson.decode(ARGV[4])

-- Why the job cannot be written.
local function refuse(job)
  if clockMs > job.untilMs then return {'late'} end
  if redis.call('EXISTS', key) == 1 then return {'exists'} end
  local refusal = job.child and refuseChild(job.child)
  if refusal then return {refusal} end
  for _, upload in ipairs(job.uploads) do
    if redis.call('HGET', prefix .. ':upload:' .. upload, 'owner') ~= job.owner then return {'no-upload', upload} end
  end
  local claim = job.idempotency
  if claim and redis.call('HGET', claim.key, 'lease') ~= claim.lease then return {'idempotency'} end
end

-- As \`tell\` would; that a job was accepted is told from its record, without an event of its own.
local function tellAccepted(job)
  redis.call('XADD', prefix .. ':changes', 'MAXLEN', '~', 200000, '*',
    'jobId', id, 'rev', '1', 'kind', 'accepted', 'status', 'accepted', 'site', job.site,
    'owner', job.owner, 'processID', job.processID)
end

local function write(job)
  local queue, priority = job.queue, job.priority
  local number = redis.call('INCR', prefix .. ':seq')
  local seq = string.format('%.0f', number) -- each number that is handed over is written anew, and slowly
  local before = redis.call('HINCRBY', prefix .. ':open-jobs:' .. queue, job.owner, 1)
  if priority == 0 then priority = math.min(before, ${lastPriority}) end
  redis.call('HSET', key, 'jobId', id, 'processID', job.processID, 'owner', job.owner, 'status', job.status,
    'queue', queue, 'createdMs', now, 'updatedMs', now, 'seq', seq, 'rev', '1', 'attempt', '0',
    'events', job.status == 'accepted' and '1' or '0', 'progress', '0', 'priority', priority, unpack(job.fields))
  redis.call('ZADD', prefix .. ':index:all', seq, id)
  redis.call('ZADD', index('owner', job.owner), seq, id)
  redis.call('ZADD', index('process', job.processID), seq, id)
  if job.site ~= '' then redis.call('ZADD', index('site', job.site), seq, id) end
  for _, name in ipairs(job.indexes) do redis.call('ZADD', prefix .. ':index:' .. name, seq, id) end
  redis.call('ZADD', index('status', job.status), seq, id)
  if job.status == 'accepted' then
    if job.isQueued then
      addToQueue(queue, id, job.processID, tonumber(now), priority, queueOptions)
    else
      redis.call('HSET', prefix .. ':pending', id, queue)
    end
    if not job.isScheduled then
      redis.call('ZADD', index('waiting', queue), seq, id)
      setTurn(queue, priority, number)
      for _, name in ipairs(job.locks) do redis.call('ZADD', prefix .. ':line:' .. name, seq, id) end
    end
  end
  for _, upload in ipairs(job.uploads) do
    redis.call('ZADD', prefix .. ':upload-holds:' .. upload, '+inf', id)
  end
  local claim = job.idempotency
  if claim then
    redis.call('HSET', claim.key, 'state', 'done', 'jobId', id, 'answer', claim.answer)
    redis.call('PEXPIRE', claim.key, claim.keepMs)
  end
  if job.child then joinParent(job.child, seq) end
  if job.status == 'accepted' then
    tellAccepted(job)
    return {'ok', seq, tostring(priority)}
  end
  redis.call('HSET', key, 'finishedMs', now)
  redis.call('ZADD', prefix .. ':ended', now, id)
  local promoted = release()
  tell('accepted')
  return {'ok', seq, tostring(priority), unpack(promoted)}
end

local function submit(text)
  local job = cjson.decode(text)
  id, now = job.id, job.nowMs
  key = prefix .. ':job:' .. id
  return refuse(job) or write(job)
end

local answers = {}
for at = 5, #ARGV - 1 do
  local isDone, answer = pcall(submit, ARGV[at])
  if not isDone then answer = {'error', type(answer) == 'table' and answer.err or tostring(answer)} end
  answers[at - 4] = answer
end
return answers
`;
