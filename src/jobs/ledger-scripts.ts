/**
 * Every change of a ledger is one of these scripts, so that entries, what is live and the holds on
 * definitions never disagree. A definition is kept for as long as its version holds the upload.
 */

const common = /* lua */ `
local prefix, now = ARGV[1], ARGV[2]
local past = prefix .. ':ledger-past' -- versions that stopped being live, of all services, by when they did
local function ledgerOf(service) return prefix .. ':ledger:' .. service end
local function heldOf(service) return prefix .. ':ledger-held:' .. service end
local function entryOf(service, version) return prefix .. ':ledger-version:' .. service .. ':' .. version end
local function holdsOf(upload) return prefix .. ':upload-holds:' .. upload end
local function holder(service, version) return 'ledger:' .. service .. ':' .. version end

local function letGo(service, version)
  local entry = entryOf(service, version)
  local upload = redis.call('HGET', entry, 'uploadId')
  if upload then redis.call('ZREM', holdsOf(upload), holder(service, version)) end
  redis.call('HDEL', entry, 'uploadId')
  redis.call('ZREM', heldOf(service), version)
  redis.call('ZREM', past, service .. '#' .. version)
end

-- '' when nothing of ours is live. What a failed job published is of no use once it is not live.
local function setCurrent(service, version)
  local ledger = ledgerOf(service)
  local was = redis.call('HGET', ledger, 'current') or ''
  if was ~= version and was ~= '' then
    local entry = entryOf(service, was)
    if redis.call('HGET', entry, 'isFailed') == '1' then
      letGo(service, was)
    elseif redis.call('HEXISTS', entry, 'uploadId') == 1 then
      redis.call('ZADD', heldOf(service), was, was)
      redis.call('ZADD', past, now, service .. '#' .. was)
    end
  end
  if version == '' then
    redis.call('HDEL', ledger, 'current')
  else
    redis.call('HSET', ledger, 'current', version)
    redis.call('ZREM', heldOf(service), version)
    redis.call('ZREM', past, service .. '#' .. version)
  end
end
`;

/**
 * ARGV: prefix, nowMs, service, jobId, entry (JSON), SHA-256, uploadId, what the live service looks like
 * (JSON) or '' for a publish that failed, versions to keep, entries to keep. A job has one version, however
 * often it is recorded; equal bytes are kept once. Answers with the version.
 */
export const recordScript = /* lua */ `${common}
local service, jobId = ARGV[3], ARGV[4]
local ledger, held = ledgerOf(service), heldOf(service)
local version = redis.call('HGET', ledger, 'job:' .. jobId)
if not version then
  version = tostring(redis.call('HINCRBY', ledger, 'last', 1))
  redis.call('HSET', ledger, 'job:' .. jobId, version)
end
local entry = entryOf(service, version)
redis.call('HSET', entry, 'entry', ARGV[5], 'sha256', ARGV[6], 'jobId', jobId)
if ARGV[8] == '' then
  redis.call('HSET', entry, 'isFailed', '1')
  if redis.call('HGET', ledger, 'current') ~= version then letGo(service, version) end
else
  local upload = ARGV[7]
  local kept = redis.call('ZRANGE', held, 0, -1)
  kept[#kept + 1] = redis.call('HGET', ledger, 'current') or ''
  for _, other in ipairs(kept) do
    local seen = redis.call('HMGET', entryOf(service, other), 'sha256', 'uploadId')
    if other ~= version and seen[1] == ARGV[6] and seen[2] then upload = seen[2] end
  end
  redis.call('HSET', entry, 'uploadId', upload, 'live', ARGV[8])
  redis.call('ZADD', holdsOf(upload), '+inf', holder(service, version))
  setCurrent(service, version)
end
local tooMany = redis.call('ZCARD', held) - tonumber(ARGV[9])
if tooMany > 0 then
  for _, old in ipairs(redis.call('ZRANGE', held, 0, tooMany - 1)) do letGo(service, old) end
end
local oldest = tostring(tonumber(version) - tonumber(ARGV[10]))
local job = redis.call('HGET', entryOf(service, oldest), 'jobId')
if job and redis.call('HGET', ledger, 'current') ~= oldest then
  letGo(service, oldest)
  redis.call('HDEL', ledger, 'job:' .. job)
  redis.call('DEL', entryOf(service, oldest))
end
return version
`;

/** ARGV: prefix, nowMs, service, version or '', what the live service looks like (JSON) or '' to leave that. */
export const setLiveScript = /* lua */ `${common}
local service, version = ARGV[3], ARGV[4]
if version ~= '' and redis.call('EXISTS', entryOf(service, version)) == 0 then version = '' end
if version ~= '' and ARGV[5] ~= '' then redis.call('HSET', entryOf(service, version), 'live', ARGV[5]) end
setCurrent(service, version)
return version
`;

/** ARGV: prefix, nowMs, time before which a version stopped being live, how many. Answers how many went. */
export const letGoOldScript = /* lua */ `${common}
local old = redis.call('ZRANGEBYSCORE', past, '-inf', '(' .. ARGV[3], 'LIMIT', 0, ARGV[4])
for _, member in ipairs(old) do
  local service, version = string.match(member, '^(.*)#(%d+)$')
  letGo(service, version)
end
return #old
`;
