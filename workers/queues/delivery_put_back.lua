-- Makes a delivery of a dead letter again, due at once and with all of its attempts ahead, in one step. Keys: see deliveries.py and
-- dead_letter.lua. What is sent is the letter's body: its event may be forgotten by now.
-- ARGV: dead letter id, a name for the delivery where the letter has none (it was imported).
-- Returns 'done', 'no letter', or 'no subscription' where that is gone; then the letter stays.
local letter = ARGV[1]
local kept = redis.call('HMGET', 'ti:dead:' .. letter, 'subscription', 'delivery', 'body')
local id, body = kept[1], kept[3]
if not id then return 'no letter' end
if redis.call('HEXISTS', 'ti:subscriptions', id) == 0 then return 'no subscription' end
local name, key, now = kept[2] or ARGV[2], 'ti:deliveries:' .. id, milliseconds(queue_time())
redis.call('ZADD', key .. ':due', now, name)
redis.call('ZADD', key .. ':since', now, name)
redis.call('HSET', key .. ':payloads', name, body)
redis.call('ZADD', 'ti:deliveries:next', 'LT', now, id)
forget_dead_letter(letter)
return 'done'
