/** Attempts that are remembered of one delivery; the oldest go first. */
const attemptsKept = 50;

/**
 * KEYS: delivery, due, throttle, indexes…. ARGV: id, nowMs, keepMs, fields (JSON pairs), first attempt (ms),
 * throttle in ms or 0. What exists stays as it is, so news that are read twice make one delivery.
 */
export const createDeliveryScript = /* lua */ `
local id, now, keep = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if redis.call('EXISTS', KEYS[1]) == 1 then return 'exists' end
if tonumber(ARGV[6]) > 0 then
  local passed = redis.call('GET', KEYS[3])
  if passed and passed ~= id then return 'throttled' end
  redis.call('SET', KEYS[3], id, 'PX', ARGV[6])
end
for _, pair in ipairs(cjson.decode(ARGV[4])) do redis.call('HSET', KEYS[1], pair[1], pair[2]) end
redis.call('PEXPIRE', KEYS[1], keep)
for at = 4, #KEYS do
  redis.call('ZADD', KEYS[at], now, id)
  redis.call('ZREMRANGEBYSCORE', KEYS[at], '-inf', '(' .. (now - keep))
  redis.call('PEXPIRE', KEYS[at], keep)
end
redis.call('ZADD', KEYS[2], ARGV[5], id)
return 'created'
`;

/**
 * KEYS: delivery, due, attempts, settled. ARGV: id, keepMs, status, url or '', attempt (JSON) or '', next attempt
 * (ms) or '', nowMs.
 */
export const settleDeliveryScript = /* lua */ `
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 'missing'
end
redis.call('HSET', KEYS[1], 'status', ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'url', ARGV[4]) end
if ARGV[5] ~= '' then
  redis.call('HINCRBY', KEYS[1], 'tries', 1)
  redis.call('RPUSH', KEYS[3], ARGV[5])
  redis.call('LTRIM', KEYS[3], -${attemptsKept}, -1)
end
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[1], 'nextAttemptMs', ARGV[6])
  redis.call('ZADD', KEYS[2], ARGV[6], ARGV[1])
  redis.call('ZREM', KEYS[4], ARGV[1])
else
  redis.call('HDEL', KEYS[1], 'nextAttemptMs')
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('ZADD', KEYS[4], ARGV[7], ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 'settled'
`;

/** KEYS: delivery, due, settled. ARGV: id, nowMs, keepMs. One that is still pending is only brought forward. */
export const reviveDeliveryScript = /* lua */ `
if redis.call('EXISTS', KEYS[1]) == 0 then return 'missing' end
if redis.call('HGET', KEYS[1], 'status') ~= 'pending' then
  redis.call('HSET', KEYS[1], 'status', 'pending', 'tries', 0)
end
redis.call('HSET', KEYS[1], 'nextAttemptMs', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 'revived'
`;
