-- Changes a subscription that nobody has changed meanwhile. Keys: see subscriptions.py and deliveries.py.
-- ARGV: id, the JSON it was, the JSON it is to be, `enable` or ''. Returns 1, or 0 where it was something else.
if redis.call('HGET', 'ti:subscriptions', ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', 'ti:subscriptions', ARGV[1], ARGV[3])
redis.call('SET', 'ti:subscriptions:version', table.concat(redis.call('TIME'), '.'))
if ARGV[4] == 'enable' then
  -- Nothing that was thought of the destination holds any more, and the day of what waits begins anew.
  local now = milliseconds(queue_time())
  redis.call('HDEL', 'ti:deliveries:' .. ARGV[1], 'failures', 'opened', 'wait', 'until', 'paused')
  redis.call('HSET', 'ti:deliveries:' .. ARGV[1], 'enabled', now)
  redis.call('ZADD', 'ti:deliveries:next', now, ARGV[1])
end
return 1
