-- Records one event, once: everything that follows from it, in one step. Writes nothing if it is known already.
--
--   ti:mark:<event id>          string, empty: the event was recorded; expires with the deduplication window
--   ti:event:<event id>         string: a line of words (kept.lua), then document and body, made small (compact.py)
--   ti:events                   stream, every event in order of arrival: id, shape (its number), time (queue time, ms)
--   ti:shapes                   hash: number -> shape (shapes.py), of all that events have
--   ti:shapes:numbers           hash: shape -> number
--   ti:shapes:last              string: the last number given
--   ti:shape:<number>           stream, the index of a shape: entries as in ti:events, and nothing in them
--   ti:reference:<digest>       the entries in ti:events with this task id or media id (references.py), or of a coarse
--                               shape and with this name of a rendition: a string for a single one, which is half as
--                               big; a sorted set for several, by the same place as a number
--   ti:task:<source>:<task id>  hash, where renditions accumulate over a task's callbacks: kind/name -> the event that
--                               brought it
--   ti:pull:<queue>, ti:content:<form>:<copy>, ti:content:unconfirmed  see pull.lua
--   ti:deliveries:…             see deliveries.py
--   ti:counters                 hash: recorded:<source>, duplicates:<source>, events:<type>
--
-- ARGV: origin, dedup ms, retention ms, event id, source, type, who records, what is kept, v2, v3, accumulating task or
--       '', fine shape or '', coarse shape, how many fine shapes there may be, references, further ones of a coarse
--       shape, pull queues, deliveries (subscription and number of the rendition, -1 for the event, of each; these four
--       joined by commas, `-` for none), number of renditions, and of an accumulating task's kind and name of each.
-- Returns nil for a duplicate, else the numbers of the event's own renditions (again, if the same origin asks again).
local origin, dedup, retention, id, source = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local task, renditions = ARGV[11], tonumber(ARGV[19])
local FIRST = 20
-- Arguments of one command, at most: Lua's stack has room for some thousands.
local AT_ONCE = 1000

local mark, event = 'ti:mark:' .. id, 'ti:event:' .. id
local task_key = 'ti:task:' .. source .. ':' .. task

-- Numbers of the renditions that no earlier callback of the same task has brought.
local function own_renditions()
  local own, all = {}, true
  for number = 0, renditions - 1 do
    local mine = true
    if task ~= '' then
      local path = ARGV[FIRST + 2 * number] .. '/' .. ARGV[FIRST + 2 * number + 1]
      redis.call('HSETNX', task_key, path, id)
      mine = redis.call('HGET', task_key, path) == id
    end
    if mine then own[#own + 1] = number else all = false end
  end
  return own, all
end

local words, rest = kept_of(id)
if words and words[1] == origin then
  if words[6] ~= '*' then
    local own = {}
    for number, text in ipairs(kept_list(words[6])) do own[number] = tonumber(text) end
    return own
  end
  local own = {}
  for number = 0, renditions - 1 do own[number + 1] = number end
  return own
end
if redis.call('EXISTS', mark) == 1 then
  redis.call('HINCRBY', 'ti:counters', 'duplicates:' .. source, 1)
  if words then
    local position, noted = kept_note(words, 'again|')
    local times = noted and tonumber(string.match(noted, '^%d+')) or 0
    words[position or #words + 1] = 'again|' .. times + 1 .. '|' .. milliseconds(wall_time())
    redis.call('SET', event, kept_value(words, rest))
  end
  return nil
end

-- The same callback after the deduplication window is a new event under the same id; the old one goes.
if words then
  forget_event(id, words, false)
  local before = redis.call('XRANGE', 'ti:events', words[2], words[2])[1]
  if before then
    local fields, shape = before[2], kept_shape(words)
    for i = 1, #fields, 2 do
      if fields[i] == 'shape' then shape = fields[i + 1] end
    end
    forget_entry(words[2], shape)
  end
end

local own, all = own_renditions()
if task ~= '' and #own > 0 then
  redis.call('PEXPIRE', task_key, retention)
end

local references = kept_list(ARGV[15])
local shape = shape_of(ARGV[12], ARGV[13], tonumber(ARGV[14]), references, kept_list(ARGV[16]))
local now = milliseconds(queue_time())
local entry = redis.call('XADD', 'ti:events', '*', 'id', id, 'shape', shape, 'time', now)
redis.call('XADD', 'ti:shape:' .. shape, entry, '', '')
refer_to(entry, references)

local copy = entry .. '.' .. id
local queues = kept_list(ARGV[17])
redis.call('SET', 'ti:content:v2:' .. copy, ARGV[9])
redis.call('SET', 'ti:content:v3:' .. copy, ARGV[10])
if #queues > 1 then redis.call('HSET', 'ti:content:unconfirmed', copy, #queues) end
for _, queue in ipairs(queues) do redis.call('RPUSH', 'ti:pull:' .. queue, copy) end
local deliveries = kept_list(ARGV[18])
if #deliveries > 0 then
  local mine = {['-1'] = true}
  for _, number in ipairs(own) do mine[tostring(number)] = true end
  -- Those of one subscription stand together; many of them in one command take the store a third of the time.
  local subscription, members = nil, {}
  local function due()
    -- A subscription may have been removed since the worker looked; then nobody would ever take these up.
    if #members > 0 and redis.call('HEXISTS', 'ti:subscriptions', subscription) == 1 then
      redis.call('ZADD', 'ti:deliveries:' .. subscription .. ':due', unpack(members))
      redis.call('ZADD', 'ti:deliveries:' .. subscription .. ':since', unpack(members))
      redis.call('ZADD', 'ti:deliveries:next', 'LT', now, subscription)
    end
    members = {}
  end
  for i = 1, #deliveries, 2 do
    if deliveries[i] ~= subscription or #members == AT_ONCE then
      due()
      subscription = deliveries[i]
    end
    if mine[deliveries[i + 1]] then
      members[#members + 1] = now
      members[#members + 1] = copy .. '/' .. deliveries[i + 1]
    end
  end
  due()
end
redis.call('HINCRBY', 'ti:counters', 'recorded:' .. source, 1)
-- The vendor chooses the names of VOD's other events: they are counted as one, so that nobody's words become counters.
redis.call('HINCRBY', 'ti:counters', 'events:' .. (string.match(ARGV[6], '^vod%.') and 'vod' or ARGV[6]), 1)
redis.call('SET', event, kept_value(
  {origin, entry, ARGV[17], kept_joined(references), ARGV[7], all and '*' or kept_joined(own)}, '\n' .. ARGV[8]))
-- Last, so that an error before it (a script is not undone) leaves an event that counts as never recorded.
redis.call('SET', mark, '', 'PX', dedup)
return own
