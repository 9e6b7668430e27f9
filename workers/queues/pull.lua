-- Hands out events of one pull queue: first those whose hold has run out, then waiting ones, in order of arrival.
--
--   ti:pull:<queue>           list: copies waiting, `<entry in ti:events>.<event id>`
--   ti:pull:<queue>:held      sorted set: copies that are out, by the queue time (ms) at which their hold ends. That time is also
--                             what makes a handle good: a later delivery has a later one
--   ti:pull:<queue>:calls     sorted set: `<end of the holds>|<who pulled>` of calls that handed something out, by that end;
--                             until a minute after it
--   ti:pull:<queue>:confirmed hash: copy -> `<end of the hold>|<ms>` and, where there are several queues, `|<who pulled>`; of
--                             events that not every queue has confirmed, or only just
--   ti:pull:<queue>:expired   hash: copy -> how often a hold of it ran out; as long
--   ti:content:<form>:<copy>  string: what the API of that form answers; until every queue has confirmed
--   ti:content:unconfirmed    hash: copy -> how many queues have not confirmed it, where there are several
--   ti:counters               hash: redelivered:<queue>
--   ti:content:finished       list: copies that every queue has confirmed, whose contents the clock drops (drop_finished.lua)
--
-- ARGV: queue, how many at most, hold ms, form, who pulls or ''. Costs the same however many wait or are held, and reads all contents at once.
-- Returns {ms until the next hold ends or -1, end of these holds, copy, content, copy, content, …}.
-- A script whose first write frees memory may go on where there is none left: so a full store can still be pulled from.
redis.call('DEL', 'ti:nothing')
-- How long it is known who pulled what nobody has confirmed, in ms after the end of the hold.
local CALLS_KEPT = 60000
local queue, most, hold, form = 'ti:pull:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local held = queue .. ':held'
local now = queue_time()
local ends = milliseconds(now + hold)
local answer, holds = {-1, ends}, {}

-- Adds to the answer those copies whose event is still kept, and was not recorded anew since; the others.
local function hand_out(copies)
  local keys, gone = {}, {}
  for number, copy in ipairs(copies) do keys[number] = 'ti:content:' .. form .. ':' .. copy end
  for number, content in ipairs(redis.call('MGET', unpack(keys))) do
    local copy = copies[number]
    -- The version before kept no second copy of a body that leaves as it came (upgrade.lua).
    if content == '=' then
      -- Recorded anew since, it is no hash; an error would lose all that was just taken from the queue.
      local raw = redis.pcall('HGET', 'ti:event:' .. string.match(copy, '%.(.+)$'), 'raw')
      content = type(raw) == 'string' and raw
    end
    if content then
      local size = #answer
      answer[size + 1], answer[size + 2] = copy, content
      holds[size - 1], holds[size] = ends, copy
    else
      gone[#gone + 1] = copy
    end
  end
  return gone
end

local expired = redis.call('ZRANGEBYSCORE', held, '-inf', milliseconds(now), 'LIMIT', 0, most)
if #expired > 0 then
  local gone = hand_out(expired)
  if #gone > 0 then redis.call('ZREM', held, unpack(gone)) end
  if #holds > 0 then redis.call('HINCRBY', 'ti:counters', 'redelivered:' .. ARGV[1], #holds / 2) end
  for number = 2, #holds, 2 do
    redis.call('HINCRBY', queue .. ':expired', holds[number], 1)
  end
end

local room = most - #holds / 2
while room > 0 do
  local waiting = redis.call('LPOP', queue, room)
  if not waiting then break end
  hand_out(waiting)
  if #waiting < room then break end
  room = most - #holds / 2
end

if #holds > 0 then
  redis.call('ZADD', held, unpack(holds))
  if ARGV[5] ~= '' then
    redis.call('ZREMRANGEBYSCORE', queue .. ':calls', '-inf', milliseconds(now - CALLS_KEPT))
    redis.call('ZADD', queue .. ':calls', ends, ends .. '|' .. ARGV[5])
  end
end
local next_end = redis.call('ZRANGE', held, 0, 0, 'WITHSCORES')[2]
if next_end then answer[1] = math.max(0, tonumber(next_end) - now) end
return answer
