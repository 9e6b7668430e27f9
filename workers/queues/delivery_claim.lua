-- Leases deliveries that are due, of every subscription that has any. Keys: see deliveries.py.
--
-- ARGV: how many at most, how many of one subscription may be out at once over all processes, lease ms, subscriptions looked at.
-- Returns a list for each subscription: its JSON, the end of these leases, then for each delivery its name, the number of this
-- attempt, and the document to send where that is kept, or false where it is to be made from the event.
-- A script whose first write frees memory may go on where there is none left: so a full store can still be emptied.
redis.call('DEL', 'ti:nothing')
local room, limit, lease, looks = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
-- How often a delivery may be lost with its worker before it waits a minute each time: it may be what ends them.
local SUSPICIOUS_AFTER, SUSPICIOUS_MS = 3, 60000
local now = queue_time()
local ends = milliseconds(now + lease)
local answer = {}

local function lost_ones_back(key)
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', key .. ':out', '-inf', milliseconds(now), 'LIMIT', 0, 100)) do
    local tries = tonumber(redis.call('HGET', key .. ':tries', name)) or 0
    redis.call('ZREM', key .. ':out', name)
    redis.call('ZADD', key .. ':due', milliseconds(tries > SUSPICIOUS_AFTER and now + SUSPICIOUS_MS or now), name)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'ti:deliveries:next', '-inf', milliseconds(now), 'LIMIT', 0, looks)) do
  if room <= 0 then break end
  local key, text = 'ti:deliveries:' .. id, redis.call('HGET', 'ti:subscriptions', id)
  if not text or cjson.decode(text).disabled ~= cjson.null then
    redis.call('ZREM', 'ti:deliveries:next', id)
  else
    lost_ones_back(key)
    local state = redis.call('HMGET', key, 'opened', 'until', 'paused')
    local free = limit - redis.call('ZCARD', key .. ':out')
    -- With the circuit open a single one goes out to see, once it is time.
    if state[1] then free = now < tonumber(state[2]) and 0 or free - (limit - 1) end
    local paused = state[3] and now < tonumber(state[3])
    local most = paused and 0 or math.min(free, room)
    if most > 0 then
      local found = {text, ends}
      for _, name in ipairs(redis.call('ZRANGEBYSCORE', key .. ':due', '-inf', milliseconds(now), 'LIMIT', 0, most)) do
        redis.call('ZREM', key .. ':due', name)
        redis.call('ZADD', key .. ':out', ends, name)
        found[#found + 1] = name
        found[#found + 1] = redis.call('HINCRBY', key .. ':tries', name, 1)
        found[#found + 1] = redis.call('HGET', key .. ':payloads', name)
        room, free = room - 1, free - 1
      end
      if #found > 2 then answer[#answer + 1] = found end
    end
    set_next(id, free <= 0 and not (state[1] and now < tonumber(state[2])))
  end
end
return answer
