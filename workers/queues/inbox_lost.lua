-- Entries to publish again, among the next few. Keys: see inbox.py.
-- ARGV: overtaken id, idle-since id, never-queued-again id, grace ms, where to begin, how many to look at.
-- Returns {where to go on, or '-' at the end, entry id, …}. A look reads the bodies too, there is no other way: so few at once.
local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local function before(a, b)
  local a_ms, a_seq = parts(a)
  local b_ms, b_seq = parts(b)
  return a_ms < b_ms or (a_ms == b_ms and a_seq < b_seq)
end

-- Not the newest that is there: were that one lost and older than what is finished, it would be overtaken again at once.
local function newest_ever()
  local info = redis.call('XINFO', 'STREAM', 'ti:inbox')
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
end

local overtaken, idle, unqueued = ARGV[1], ARGV[2], ARGV[3]
local grace, from, most = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local last = before(overtaken, idle) and idle or overtaken
if before(last, unqueued) then last = unqueued end
local now = queue_time()
local newest

local found = redis.call('XRANGE', 'ti:inbox', from, last, 'COUNT', most)
local answer = {#found == most and '(' .. found[most][1] or '-'}
for _, entry in ipairs(found) do
  local id = entry[1]
  local swept = redis.call('HGET', 'ti:inbox:swept', id)
  local again, times = not swept, 0
  if swept then
    local newest_then, at
    newest_then, at, times = string.match(swept, '^(%S+) (%S+) (%d+)$')
    again = before(newest_then, overtaken) or (not before(idle, id) and now - at >= grace)
  end
  if again then
    newest = newest or newest_ever()
    redis.call('HSET', 'ti:inbox:swept', id, newest .. ' ' .. milliseconds(now) .. ' ' .. (times + 1))
    answer[#answer + 1] = id
  end
end
if #answer > 1 then redis.call('HINCRBY', 'ti:counters', 'swept', #answer - 1) end
return answer
