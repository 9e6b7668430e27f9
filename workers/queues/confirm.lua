-- Confirms events of one pull queue, each by itself. Keys: see pull.lua and record.lua.
--
-- ARGV: queue, number of pull queues, then for each: copy, the end of its hold (as handed out).
-- Returns for each 1 (confirmed, now or earlier with this very handle) or 0 (too late, or handed out again since).
-- A script whose first write frees memory may go on where there is none left: so a full store can still be pulled from.
redis.call('DEL', 'ti:nothing')
local held, confirmed = 'ti:pull:' .. ARGV[1] .. ':held', 'ti:pull:' .. ARGV[1] .. ':confirmed'
local only_queue = tonumber(ARGV[2]) == 1
local now, wall = queue_time(), milliseconds(wall_time())
local answer, copies, done, notes, finished, seen = {}, {}, {}, {}, {}, {}

-- What was noted of it before, when it was confirmed some time ago.
local function noted(copy)
  local entry, id = string.match(copy, '^([^.]+)%.(.+)$')
  local words = kept_of(id)
  if not words or words[2] ~= entry then return nil end
  local _, note = kept_note(words, 'confirmed|' .. ARGV[1] .. '|')
  return note
end

-- Who pulled what is held until then, to be noted while it is known. Where only one queue has to confirm that is done a second
-- later (drop_finished.lua), when nobody waits for it.
local function who_pulled(ends)
  return only_queue and '' or '|' .. caller('ti:pull:' .. ARGV[1], ends)
end

-- How many queues have still to confirm it after this one.
local function not_confirmed_after(copy)
  if redis.call('HEXISTS', 'ti:content:unconfirmed', copy) == 0 then
    local before = redis.pcall('HINCRBY', 'ti:event:' .. string.match(copy, '%.(.+)$'), 'unconfirmed', -1)
    if type(before) == 'number' then return before end
  end
  return redis.call('HINCRBY', 'ti:content:unconfirmed', copy, -1)
end

for i = 3, #ARGV, 2 do copies[#copies + 1] = ARGV[i] end
local scores = redis.call('ZMSCORE', held, unpack(copies))

for number, copy in ipairs(copies) do
  local ends, score = ARGV[2 * number + 2], tonumber(scores[number])
  if score and score == tonumber(ends) and now < score then
    answer[number] = 1
    done[#done + 1] = copy
    notes[#notes + 1] = copy
    notes[#notes + 1] = ends .. '|' .. wall .. who_pulled(ends)
    -- One handle twice in a call is one confirmation: the other queues' copies still need the content.
    local first = not seen[copy]
    seen[copy] = true
    if first and (only_queue or not_confirmed_after(copy) <= 0) then
      finished[#finished + 1] = copy
    end
  else
    local before = redis.call('HGET', confirmed, copy) or noted(copy)
    answer[number] = (before and string.match(before, '^%d+') == ends) and 1 or 0
  end
end

if #done > 0 then
  redis.call('ZREM', held, unpack(done))
  redis.call('HSET', confirmed, unpack(notes))
end
-- What nobody will pull any more is not kept; but the client need not wait for that.
if #finished > 0 and not only_queue then redis.call('HDEL', 'ti:content:unconfirmed', unpack(finished)) end
if #finished > 0 then redis.call('RPUSH', 'ti:content:finished', unpack(finished)) end
return answer
