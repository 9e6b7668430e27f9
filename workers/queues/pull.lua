-- Hands out events of one pull queue: first those whose hold has run out, then new ones, in order of arrival.
--
--   ti:pull:<queue>         stream: event (the event's id)
--   ti:pull:<queue>:last    string: the newest entry ever handed out
--   ti:pull:<queue>:held    sorted set: entries that are out, by the queue time (ms) at which their hold ends. That time is also
--                           what makes a handle good: a later delivery has a later one
--   ti:event:<id>           hash: see record.lua
--
-- ARGV: queue, how many at most, hold ms, the field with the content. Costs the same however many wait or are held.
-- Returns {ms until the next hold ends or -1, {entry, hold's end, event id, content}, …}.
local queue, most, hold, field = 'ti:pull:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local held, last_key = queue .. ':held', queue .. ':last'
local now, wall = queue_time(), milliseconds(wall_time())
local ends = milliseconds(now + hold)
local answer = {-1}

local function hand_out(entry, id)
  local event = 'ti:event:' .. id
  local content = redis.call('HMGET', event, field, 'raw')
  if not content[2] then
    redis.call('ZREM', held, entry)
    redis.call('XDEL', queue, entry)
    return
  end
  redis.call('ZADD', held, ends, entry)
  redis.call('HSET', event, 'pulled:' .. ARGV[1], wall)
  redis.call('HINCRBY', event, 'pulls:' .. ARGV[1], 1)
  answer[#answer + 1] = {entry, ends, id, content[1] or content[2]}
end

for _, entry in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', milliseconds(now), 'LIMIT', 0, most)) do
  local found = redis.call('XRANGE', queue, entry, entry)[1]
  if found then
    hand_out(entry, found[2][2])
  else
    redis.call('ZREM', held, entry)
  end
end

local room = most - (#answer - 1)
if room > 0 then
  local last = redis.call('GET', last_key)
  local fresh = redis.call('XRANGE', queue, last and ('(' .. last) or '-', '+', 'COUNT', room)
  if #fresh > 0 then
    redis.call('SET', last_key, fresh[#fresh][1])
    for _, found in ipairs(fresh) do hand_out(found[1], found[2][2]) end
  end
end

local next_end = redis.call('ZRANGE', held, 0, 0, 'WITHSCORES')[2]
if next_end then answer[1] = math.max(0, tonumber(next_end) - now) end
return answer
