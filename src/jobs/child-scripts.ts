/**
 * What the scripts of jobs do for parents. All that is counted lies in the parent's own hash, so that reading a
 * parent is one read however many children it has; the table of its children lies beside it, by index.
 *
 * `children:<status>` and `children:open` count; `children:open:<process>|<queue>` tells what is still to come;
 * `children:call` asks for the parent's next attempt.
 */
export const childFunctions = /* lua */ `
local function parentOf()
  local parent = redis.call('HGET', key, 'parentID')
  if not parent then return end
  local parentKey = prefix .. ':job:' .. parent
  if redis.call('EXISTS', parentKey) == 0 then return end
  return parent, parentKey
end

-- Keeps the counts of the parent as the status of a child changes.
local function countChild(was, is)
  local _, parentKey = parentOf()
  if not parentKey then return end
  if was then redis.call('HINCRBY', parentKey, 'children:' .. was, -1) end
  redis.call('HINCRBY', parentKey, 'children:' .. is, 1)
end

-- The parent as its listeners see it now.
local function tellParent(parent, parentKey)
  local seen = redis.call('HMGET', parentKey, 'status', 'children:total', 'children:open', 'children:expected', 'children:failed')
  local total, open = tonumber(seen[2]) or 0, tonumber(seen[3]) or 0
  local expected = math.max(total, tonumber(seen[4]) or 0)
  if seen[1] == 'running' and expected > 0 then
    local ended = total - open
    local message = ended .. ' of ' .. expected .. ' children have ended'
    if (tonumber(seen[5]) or 0) > 0 then message = message .. ', ' .. seen[5] .. ' failed' end
    redis.call('HSET', parentKey, 'progress', math.floor(99 * ended / expected), 'message', message)
  end
  redis.call('HSET', parentKey, 'updatedMs', now)
  redis.call('HINCRBY', parentKey, 'rev', 1)
  tellOf(parent, parentKey, 'children')
end

-- Asks for the parent's next attempt: whoever runs this promotes it, and the sweeper does where that was lost.
local function callParent(parent, parentKey)
  redis.call('HSET', parentKey, 'children:call', '1')
  redis.call('HSET', prefix .. ':pending', parent, redis.call('HGET', parentKey, 'queue'))
end

-- The row of an ended child says how it ended.
local function finishRow(parent)
  local seen = redis.call('HMGET', key, 'childIndex', 'status', 'exception', 'results')
  local rows = prefix .. ':child-rows:' .. parent
  local text = redis.call('HGET', rows, seen[1])
  if not text then return end
  local row = cjson.decode(text)
  row.status = seen[2]
  if seen[2] == 'failed' and seen[3] then
    local problem = cjson.decode(seen[3])
    row.code, row.detail = problem.code, problem.detail
  end
  if seen[2] == 'successful' and seen[4] then
    local isRead, results = pcall(cjson.decode, seen[4])
    if isRead and type(results) == 'table' and type(results.outcome) == 'string' then row.outcome = results.outcome end
  end
  redis.call('HSET', rows, seen[1], cjson.encode(row))
end

-- For a child that has come to its end. Answers with its parent when that one has something to do now.
local function endChild()
  local parent, parentKey = parentOf()
  if not parent then return end
  local own = redis.call('HMGET', key, 'processID', 'queue', 'status', 'callsParent')
  local open = redis.call('HINCRBY', parentKey, 'children:open', -1)
  redis.call('HINCRBY', parentKey, 'children:open:' .. own[1] .. '|' .. own[2], -1)
  finishRow(parent)
  local asked = redis.call('HMGET', parentKey, 'children:onFailure', 'children:stopped')
  local stops = own[3] == 'failed' and asked[1] == 'stop' and asked[2] ~= '1'
  if stops then redis.call('HSET', parentKey, 'children:stopped', '1') end
  tellParent(parent, parentKey)
  if open > 0 and not stops and own[4] ~= '1' then return end
  callParent(parent, parentKey)
  return parent
end

-- Why nobody may be begun or added for the parent any more: it has ended, or one has failed and the rest shall stop.
local function isParentDone()
  local parent, parentKey = parentOf()
  if not parent then return false end
  local seen = redis.call('HMGET', parentKey, 'status', 'children:stopped')
  return isFinal(seen[1]) or seen[2] == '1'
end
`;

/**
 * Lua for the submission of a child: whether its parent still wants it, and its place in the table. `child` is decoded
 * JSON: parent, fence, index, row (JSON), callsParent.
 */
export const childSubmission = /* lua */ `
local function refuseChild(child)
  local parentKey = prefix .. ':job:' .. child.parent
  local seen = redis.call('HMGET', parentKey, 'status', 'attempt', 'children:stopped')
  if not seen[1] or seen[2] ~= child.fence then return 'fenced' end
  if isFinal(seen[1]) or seen[3] == '1' then return 'unwanted' end
end

local function joinParent(child, seq)
  local parentKey = prefix .. ':job:' .. child.parent
  local own = redis.call('HMGET', key, 'processID', 'queue', 'status')
  redis.call('HSET', key, 'parentID', child.parent, 'childIndex', child.index)
  if child.callsParent then redis.call('HSET', key, 'callsParent', '1') end
  redis.call('ZADD', index('parent', child.parent), seq, id)
  redis.call('HSET', prefix .. ':child-rows:' .. child.parent, child.index, child.row)
  redis.call('HINCRBY', parentKey, 'children:total', 1)
  redis.call('HINCRBY', parentKey, 'children:open', 1)
  redis.call('HINCRBY', parentKey, 'children:open:' .. own[1] .. '|' .. own[2], 1)
  redis.call('HINCRBY', parentKey, 'children:' .. own[3], 1)
end
`;
