-- Keeps a dead letter; the same bytes again are counted. Keys: see dead_letters.py.
-- ARGV: id, source, reason, message, received ms, body, origin
local id, key = ARGV[1], 'ti:dead:' .. ARGV[1]
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local origin = redis.call('HGET', key, 'origin')
if origin == ARGV[7] then return end
if origin then
  redis.call('HSET', key, 'origin', ARGV[7], 'reason', ARGV[3], 'message', ARGV[4], 'failed', now)
else
  redis.call('HSET', key, 'source', ARGV[2], 'reason', ARGV[3], 'message', ARGV[4], 'received', ARGV[5], 'failed', now,
    'body', ARGV[6], 'origin', ARGV[7])
  redis.call('ZADD', 'ti:dead', redis.call('INCR', 'ti:dead:last'), id)
end
redis.call('HINCRBY', key, 'times', 1)
redis.call('HINCRBY', 'ti:counters', 'dead_letters:' .. ARGV[2], 1)
