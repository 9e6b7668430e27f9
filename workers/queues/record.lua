-- Records one event, once: everything that follows from it, in one step. Writes nothing if it is known already.
--
--   ti:mark:<event id>          string: where the event came from (inbox entry and position); expires with the deduplication window
--   ti:event:<event id>         hash: document (the event as JSON, without raw), raw (the body as it came), own (numbers of the
--                               renditions that are this event's own, where that is not all of them), origin, recorded (ms),
--                               duplicates, duplicate (ms, the last one), entry (its id in ti:events), last_rendition (the id of
--                               its last entry in ti:renditions), references (task and media id, a JSON list), queues (the pull
--                               queues with a copy, a JSON list), unconfirmed (of several queues, how many have not confirmed),
--                               and for each pull queue expired:<q> (how often a hold of it ran out)
--   ti:events                   stream, the index in order of arrival: id, source, type, status, time (queue time, ms)
--   ti:renditions               stream, the results in order of arrival: event, number, kind, name
--   ti:reference:<id>           sorted set: ids of the events with this task id or media id, by their entry in ti:events
--   ti:task:<source>:<task id>  hash, where renditions accumulate over a task's callbacks: kind/name -> the event that brought it
--   ti:pull:<queue>, ti:content:<form>:<copy>  see pull.lua
--   ti:counters                 hash: recorded:<source>, duplicates:<source>, events:<type>
--
-- ARGV: origin, dedup ms, retention ms, event id, source, type, status, document, raw, v2, v3, accumulating task or '',
--       number of references, each reference, number of pull queues, each queue, then kind and name of each rendition.
-- Returns nil for a duplicate, else the numbers of the event's own renditions (again, if the same origin asks again).
local origin, dedup, retention, id, source = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local task = ARGV[12]
local position = 13
local function next_list()
  local count = tonumber(ARGV[position])
  local list = {}
  for i = 1, count do list[i] = ARGV[position + i] end
  position = position + count + 1
  return list
end
local references, queues = next_list(), next_list()

local mark, event = 'ti:mark:' .. id, 'ti:event:' .. id
local task_key = 'ti:task:' .. source .. ':' .. task

-- Numbers of the renditions that no earlier callback of the same task has brought.
local function own_renditions(claim)
  local own, all = {}, true
  local number = 0
  for i = position, #ARGV, 2 do
    local mine = true
    if task ~= '' then
      local path = ARGV[i] .. '/' .. ARGV[i + 1]
      if claim then redis.call('HSETNX', task_key, path, id) end
      mine = redis.call('HGET', task_key, path) == id
    end
    if mine then own[#own + 1] = number else all = false end
    number = number + 1
  end
  return own, all
end

local is_new = redis.call('SET', mark, origin, 'NX', 'PX', dedup)
if not is_new and redis.call('GET', mark) == origin then
  if redis.call('HGET', event, 'origin') == origin then
    return (own_renditions(false))
  end
  -- An error ended the script after the mark (a script is not undone): it was never recorded, so it is now.
  is_new = true
end
if not is_new then
  local wall = milliseconds(wall_time())
  redis.call('HINCRBY', 'ti:counters', 'duplicates:' .. source, 1)
  if redis.call('EXISTS', event) == 1 then
    redis.call('HINCRBY', event, 'duplicates', 1)
    redis.call('HSET', event, 'duplicate', wall)
  end
  return nil
end

local now = milliseconds(queue_time())
local wall = milliseconds(wall_time())
local own, all = own_renditions(true)
if task ~= '' and #own > 0 then
  redis.call('PEXPIRE', task_key, retention)
end

local entry = redis.call('XADD', 'ti:events', '*', 'id', id, 'source', source, 'type', ARGV[6], 'status', ARGV[7], 'time', now)
local ms, seq = string.match(entry, '^(%d+)-(%d+)$')
for _, reference in ipairs(references) do
  redis.call('ZADD', 'ti:reference:' .. reference, milliseconds(ms * 4096 + math.min(tonumber(seq), 4095)), id)
end

local last_rendition = ''
for _, number in ipairs(own) do
  last_rendition = redis.call('XADD', 'ti:renditions', '*', 'event', id, 'number', number,
    'kind', ARGV[position + 2 * number], 'name', ARGV[position + 2 * number + 1])
end

-- The same callback after the deduplication window is a new event under the same id; the old one leaves the pull queues.
local old = redis.call('HMGET', event, 'entry', 'queues')
if old[1] then
  redis.call('UNLINK', 'ti:content:v2:' .. old[1] .. '.' .. id, 'ti:content:v3:' .. old[1] .. '.' .. id)
  for _, queue in ipairs(cjson.decode(old[2])) do
    redis.call('ZREM', 'ti:pull:' .. queue .. ':held', old[1] .. '.' .. id)
    redis.call('LREM', 'ti:pull:' .. queue, 1, old[1] .. '.' .. id)
    redis.call('HDEL', 'ti:pull:' .. queue .. ':confirmed', old[1] .. '.' .. id)
  end
end
redis.call('DEL', event)
redis.call('HSET', event, 'document', ARGV[8], 'raw', ARGV[9], 'origin', origin,
  'recorded', wall, 'entry', entry, 'last_rendition', last_rendition, 'references', cjson.encode(references),
  'queues', cjson.encode(queues), 'unconfirmed', #queues)
if not all then redis.call('HSET', event, 'own', table.concat(own, ',')) end
local copy = entry .. '.' .. id
redis.call('SET', 'ti:content:v2:' .. copy, ARGV[10])
redis.call('SET', 'ti:content:v3:' .. copy, ARGV[11])
for _, queue in ipairs(queues) do redis.call('RPUSH', 'ti:pull:' .. queue, copy) end
redis.call('HINCRBY', 'ti:counters', 'recorded:' .. source, 1)
-- The vendor chooses the names of VOD's other events: they are counted as one, so that nobody's words become counters.
redis.call('HINCRBY', 'ti:counters', 'events:' .. (string.match(ARGV[6], '^vod%.') and 'vod' or ARGV[6]), 1)
return own
