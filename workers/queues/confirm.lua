-- Confirms events of one pull queue, each by itself. Keys: see pull.lua.
--
-- ARGV: queue, then for each: entry, the end of its hold (as handed out), event id.
-- Returns for each 1 (confirmed, now or earlier with this very handle) or 0 (too late, or handed out again since).
local queue = 'ti:pull:' .. ARGV[1]
local held = queue .. ':held'
local now, wall = queue_time(), milliseconds(wall_time())
local answer = {}

for i = 2, #ARGV, 3 do
  local entry, ends, event = ARGV[i], ARGV[i + 1], 'ti:event:' .. ARGV[i + 2]
  local score = redis.call('ZSCORE', held, entry)
  if score and tonumber(score) == tonumber(ends) and now < tonumber(ends) then
    redis.call('ZREM', held, entry)
    redis.call('XDEL', queue, entry)
    if redis.call('EXISTS', event) == 1 then
      redis.call('HDEL', event, 'queued:' .. ARGV[1])
      redis.call('HSET', event, 'confirmed:' .. ARGV[1], wall, 'handle:' .. ARGV[1], ends)
      if redis.call('HINCRBY', event, 'unconfirmed', -1) <= 0 then
        redis.call('HDEL', event, 'v2', 'v3')
      end
    end
    answer[#answer + 1] = 1
  elseif redis.call('HGET', event, 'handle:' .. ARGV[1]) == ends then
    answer[#answer + 1] = 1
  else
    answer[#answer + 1] = 0
  end
end
return answer
