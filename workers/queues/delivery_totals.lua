-- What waits for all subscriptions together. Keys: see deliveries.py.
-- Returns {due or later, out, ms since the oldest was first due, circuits that are open or half-open}.
local now, waiting, out, oldest, open = queue_time(), 0, 0, nil, 0
for _, id in ipairs(redis.call('HKEYS', 'ti:subscriptions')) do
  local key = 'ti:deliveries:' .. id
  local since = tonumber(redis.call('ZRANGE', key .. ':since', 0, 0, 'WITHSCORES')[2])
  if since then
    waiting = waiting + redis.call('ZCARD', key .. ':due')
    out = out + redis.call('ZCARD', key .. ':out')
    oldest = math.min(oldest or since, since)
  end
  open = open + redis.call('HEXISTS', key, 'opened')
end
return {waiting, out, oldest and math.max(0, now - oldest) or 0, open}
