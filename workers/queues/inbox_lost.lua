-- Entries to publish again. Keys: see inbox.py. ARGV: overtaken id, idle-since id, grace ms, how many at most.
local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local function before(a, b)
  local a_ms, a_seq = parts(a)
  local b_ms, b_seq = parts(b)
  return a_ms < b_ms or (a_ms == b_ms and a_seq < b_seq)
end

local overtaken, idle, grace, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local last = before(overtaken, idle) and idle or overtaken
local now = queue_time()
local from, lost = '-', {}
local newest

while #lost < most do
  local found = redis.call('XRANGE', 'ti:inbox', from, last, 'COUNT', 20)
  for _, entry in ipairs(found) do
    local id = entry[1]
    from = '(' .. id
    local swept = redis.call('HGET', 'ti:inbox:swept', id)
    local again = not swept
    if swept then
      local newest_then, at = string.match(swept, '^(%S+) (%S+)$')
      again = before(newest_then, overtaken) or (not before(idle, id) and now - at >= grace)
    end
    if again then
      newest = newest or redis.call('XREVRANGE', 'ti:inbox', '+', '-', 'COUNT', 1)[1][1]
      redis.call('HSET', 'ti:inbox:swept', id, newest .. ' ' .. milliseconds(now))
      lost[#lost + 1] = id
    end
  end
  if #found < 20 then break end
end
if #lost > 0 then redis.call('HINCRBY', 'ti:counters', 'swept', #lost) end
return lost
