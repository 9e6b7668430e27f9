-- Adds a subscription. Keys: see subscriptions.py.
-- ARGV: id, the subscription as JSON, how many there may be. Returns 1, or 0 where there are so many already.
if redis.call('HLEN', 'ti:subscriptions') >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', 'ti:subscriptions', ARGV[1], ARGV[2])
redis.call('SET', 'ti:subscriptions:version', table.concat(redis.call('TIME'), '.'))
return 1
