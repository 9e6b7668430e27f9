-- Hands out events of one pull queue: first those whose hold has run out, then waiting ones, in order of arrival.
--
--   ti:pull:<queue>         list: copies waiting, `<entry in ti:events>.<event id>`
--   ti:pull:<queue>:held    sorted set: copies that are out, by the queue time (ms) at which their hold ends. That time is also
--                           what makes a handle good: a later delivery has a later one
--   ti:event:<id>           hash: see record.lua
--
-- ARGV: queue, how many at most, hold ms, the field with the content. Costs the same however many wait or are held; an event costs
-- one read.
-- Returns {ms until the next hold ends or -1, end of these holds, copy, content, copy, content, …}.
-- A script whose first write frees memory may go on where there is none left: so a full store can still be pulled from.
redis.call('DEL', 'ti:nothing')
local queue, most, hold, field = 'ti:pull:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local held = queue .. ':held'
local now = queue_time()
local ends = milliseconds(now + hold)
local answer, holds = {-1, ends}, {}

-- The event of a copy may have been forgotten, or recorded anew since; then the copy is nobody's.
local function hand_out(copy)
  local entry, id = string.match(copy, '^([^.]+)%.(.+)$')
  local event = 'ti:event:' .. id
  local kept = redis.call('HMGET', event, 'entry', field)
  local content = kept[2]
  if kept[1] ~= entry or not content then return nil end
  if content == '=' then content = redis.call('HGET', event, 'raw') end
  holds[#holds + 1] = ends
  holds[#holds + 1] = copy
  answer[#answer + 1] = copy
  answer[#answer + 1] = content
  return event
end

for _, copy in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', milliseconds(now), 'LIMIT', 0, most)) do
  local event = hand_out(copy)
  if event then
    redis.call('HINCRBY', event, 'expired:' .. ARGV[1], 1)
  else
    redis.call('ZREM', held, copy)
  end
end

local room = most - #holds / 2
while room > 0 do
  local waiting = redis.call('LPOP', queue, room)
  if not waiting then break end
  for _, copy in ipairs(waiting) do hand_out(copy) end
  if #waiting < room then break end
  room = most - #holds / 2
end

if #holds > 0 then redis.call('ZADD', held, unpack(holds)) end
local next_end = redis.call('ZRANGE', held, 0, 0, 'WITHSCORES')[2]
if next_end then answer[1] = math.max(0, tonumber(next_end) - now) end
return answer
