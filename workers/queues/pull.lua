-- Hands out events of one pull queue: first those whose hold has run out, then new ones, in order of arrival.
--
--   ti:pull:<queue>         stream: event (the event's id)
--   ti:pull:<queue>:last    string: the newest entry ever handed out
--   ti:pull:<queue>:held    sorted set: entries that are out, by the queue time (ms) at which their hold ends. That time is also
--                           what makes a handle good: a later delivery has a later one
--   ti:event:<id>           hash: see record.lua
--
-- ARGV: queue, how many at most, hold ms, the field with the content. Costs the same however many wait or are held; a new event
-- costs one read of its content, and no write of its own.
-- Returns {ms until the next hold ends or -1, end of these holds, entry, event id, content, entry, …}.
local queue, most, hold, field = 'ti:pull:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local held, last_key = queue .. ':held', queue .. ':last'
local now = queue_time()
local ends = milliseconds(now + hold)
local answer, holds, gone = {-1, ends}, {}, {}

local function hand_out(entry, id)
  local event = 'ti:event:' .. id
  local content = redis.call('HGET', event, field) or redis.call('HGET', event, 'raw')
  if not content then
    gone[#gone + 1] = entry
    return
  end
  holds[#holds + 1] = ends
  holds[#holds + 1] = entry
  local size = #answer
  answer[size + 1], answer[size + 2], answer[size + 3] = entry, id, content
end

for _, entry in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', milliseconds(now), 'LIMIT', 0, most)) do
  local found = redis.call('XRANGE', queue, entry, entry)[1]
  if found then
    hand_out(entry, found[2][2])
    redis.call('HINCRBY', 'ti:event:' .. found[2][2], 'expired:' .. ARGV[1], 1)
  else
    gone[#gone + 1] = entry
  end
end

local room = most - #holds / 2
if room > 0 then
  local last = redis.call('GET', last_key)
  local fresh = redis.call('XRANGE', queue, last and ('(' .. last) or '-', '+', 'COUNT', room)
  if #fresh > 0 then
    redis.call('SET', last_key, fresh[#fresh][1])
    for _, found in ipairs(fresh) do hand_out(found[1], found[2][2]) end
  end
end

if #holds > 0 then redis.call('ZADD', held, unpack(holds)) end
if #gone > 0 then
  redis.call('ZREM', held, unpack(gone))
  redis.call('XDEL', queue, unpack(gone))
end
local next_end = redis.call('ZRANGE', held, 0, 0, 'WITHSCORES')[2]
if next_end then answer[1] = math.max(0, tonumber(next_end) - now) end
return answer
