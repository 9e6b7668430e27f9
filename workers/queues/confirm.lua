-- Confirms events of one pull queue, each by itself. Keys: see pull.lua and record.lua.
--
-- ARGV: queue, then for each: entry, the end of its hold (as handed out), event id.
-- Returns for each 1 (confirmed, now or earlier with this very handle) or 0 (too late, or handed out again since).
local queue = 'ti:pull:' .. ARGV[1]
local held, confirmed = queue .. ':held', 'confirmed:' .. ARGV[1]
local now, wall = queue_time(), milliseconds(wall_time())
local answer, entries, seen = {}, {}, {}

for i = 2, #ARGV, 3 do entries[#entries + 1] = ARGV[i] end
local scores = redis.call('ZMSCORE', held, unpack(entries))
local done = {}

for i = 2, #ARGV, 3 do
  local entry, ends, event = ARGV[i], ARGV[i + 1], 'ti:event:' .. ARGV[i + 2]
  local score = scores[#answer + 1]
  local good = 0
  if seen[entry] == ends then
    good = 1
  elseif score and tonumber(score) == tonumber(ends) and now < tonumber(ends) then
    good = 1
    seen[entry] = ends
    done[#done + 1] = entry
    redis.call('HSET', event, confirmed, ends .. ' ' .. wall)
    if redis.call('HINCRBY', event, 'unconfirmed', -1) <= 0 then
      redis.call('HDEL', event, 'v2', 'v3')
    end
  else
    local before = redis.call('HGET', event, confirmed)
    if before and string.match(before, '^%S+') == ends then good = 1 end
  end
  answer[#answer + 1] = good
end

if #done > 0 then
  redis.call('ZREM', held, unpack(done))
  redis.call('XDEL', queue, unpack(done))
end
return answer
