-- Confirms events of one pull queue, each by itself. Keys: see pull.lua and record.lua.
--
-- ARGV: queue, number of pull queues, then for each: copy, the end of its hold (as handed out).
-- Returns for each 1 (confirmed, now or earlier with this very handle) or 0 (too late, or handed out again since).
-- A script whose first write frees memory may go on where there is none left: so a full store can still be pulled from.
redis.call('DEL', 'ti:nothing')
local held, confirmed = 'ti:pull:' .. ARGV[1] .. ':held', 'confirmed:' .. ARGV[1]
local only_queue = tonumber(ARGV[2]) == 1
local now, wall = queue_time(), milliseconds(wall_time())
local answer, copies, done = {}, {}, {}

for i = 3, #ARGV, 2 do copies[#copies + 1] = ARGV[i] end
local scores = redis.call('ZMSCORE', held, unpack(copies))

for number, copy in ipairs(copies) do
  local ends, event = ARGV[2 * number + 2], 'ti:event:' .. string.match(copy, '%.(.+)$')
  local score = tonumber(scores[number])
  if score and score == tonumber(ends) and now < score then
    if redis.call('HSET', event, confirmed, ends .. ' ' .. wall) == 1 then
      -- What nobody will pull any more is not kept.
      if only_queue or redis.call('HINCRBY', event, 'unconfirmed', -1) <= 0 then
        redis.call('HDEL', event, 'v2', 'v3')
      end
    end
    done[#done + 1] = copy
    answer[number] = 1
  else
    local before = redis.call('HGET', event, confirmed)
    answer[number] = (before and string.match(before, '^%S+') == ends) and 1 or 0
  end
end

if #done > 0 then redis.call('ZREM', held, unpack(done)) end
return answer
