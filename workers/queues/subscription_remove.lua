-- Forgets a subscription, with everything that waits for it. Keys: see subscriptions.py and deliveries.py.
-- ARGV: id. Returns how many deliveries were dropped, or nil for no such subscription.
-- A script whose first write frees memory may go on where there is none left.
redis.call('DEL', 'ti:nothing')
local id = ARGV[1]
if redis.call('HDEL', 'ti:subscriptions', id) == 0 then return nil end
redis.call('SET', 'ti:subscriptions:version', table.concat(redis.call('TIME'), '.'))
local key = 'ti:deliveries:' .. id
local waiting = redis.call('ZCARD', key .. ':since')
redis.call('UNLINK', key, key .. ':due', key .. ':out', key .. ':since', key .. ':tries', key .. ':payloads', key .. ':recent')
redis.call('ZREM', 'ti:deliveries:next', id)
if waiting > 0 then redis.call('HINCRBY', 'ti:counters', 'deliveries:dropped', waiting) end
return waiting
