-- When a subscription is to be looked at again: as soon as something of it can be sent, or a lease runs out. Keys: see deliveries.py.
-- `full` says that as much is out as may be at once.
local function set_next(id, full)
  local key = 'ti:deliveries:' .. id
  local due = tonumber(redis.call('ZRANGE', key .. ':due', 0, 0, 'WITHSCORES')[2])
  local leased = tonumber(redis.call('ZRANGE', key .. ':out', 0, 0, 'WITHSCORES')[2])
  local at = leased
  if due and not full then
    local state = redis.call('HMGET', key, 'opened', 'until', 'paused')
    if state[1] then due = math.max(due, tonumber(state[2])) end
    if state[3] then due = math.max(due, tonumber(state[3])) end
    at = leased and math.min(leased, due) or due
  end
  if at then
    redis.call('ZADD', 'ti:deliveries:next', milliseconds(at), id)
  else
    redis.call('ZREM', 'ti:deliveries:next', id)
  end
end

