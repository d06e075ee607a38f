import { jobFunctions } from './script-functions.ts';

/**
 * ARGV: prefix, '', nowMs, filters (JSON: array of arrays of index names; any of the inner, all of
 * the outer), highest seq (exclusive) or '', how many, how many to look at, limits on times (JSON).
 * Answers with pairs id, seq, newest first; last the seq to go on from, or ''.
 */
export const listScript = /* lua */ `${jobFunctions}
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
