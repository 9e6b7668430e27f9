-- Deliveries that have waited too long and are not on their way. Keys: see deliveries.py.
-- ARGV: how many at most, then for each subscription its id, the ms its deliveries may wait, and the ms that their events are kept.
-- Returns {subscription, delivery, …}.
local most, now, answer = tonumber(ARGV[1]), queue_time(), {}
for i = 2, #ARGV, 3 do
  local key = 'ti:deliveries:' .. ARGV[i]
  local forgotten, before = now - tonumber(ARGV[i + 2]), now - tonumber(ARGV[i + 1])
  -- Enabling it began their time anew; but there is nothing to send without their events.
  if before <= (tonumber(redis.call('HGET', key, 'enabled')) or 0) then before = forgotten end
  local left = most - #answer / 2
  if left <= 0 then break end
  local until_then = milliseconds(math.max(before, forgotten))
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', key .. ':since', '-inf', until_then, 'LIMIT', 0, left)) do
    local leased = tonumber(redis.call('ZSCORE', key .. ':out', name))
    if not leased or leased <= now then
      answer[#answer + 1] = ARGV[i]
      answer[#answer + 1] = name
    end
  end
end
return answer
