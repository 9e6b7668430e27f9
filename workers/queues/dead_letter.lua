-- Keeping and forgetting one dead letter, with all that it is found by: in front of every script that does either. The keys:
--
--   ti:dead                    sorted set: dead letter id, by number in order of arrival
--   ti:dead:last               number of the newest
--   ti:dead:<id>               hash: source, reason, message, place (JSON: where in the body it is broken), received (ms), failed
--                              (ms, the last time), kept (queue time, ms), body, origin, times (how often it came). One that could
--                              not be delivered also: subscription, url, event, rendition, delivery, entry; its body is what was
--                              to be sent. Fields with nothing in them are not there
--   ti:dead_parts              set: every `<reason>/<source>` that there are dead letters of
--   ti:dead_by:<part>          sorted set: the ids of one part, by number. A part is `<reason>/<source>`, and for those of a
--                              subscription also `<subscription>/<source>`
--   ti:dead_received:<part>    sorted set without scores: `<received>.<number>.<id>`, padded, so in order of receipt
--   ti:counters                hash: dead_letters:<source>, dead_letter_reasons:<reason>: those that came; not such as were imported
--
-- A list by any filter merges a few parts, so what does not match costs nothing.
local function dead_letter_parts(letter)
  local parts = {letter.reason .. '/' .. letter.source}
  if letter.subscription and letter.subscription ~= '' then parts[2] = letter.subscription .. '/' .. letter.source end
  return parts
end

local function dead_letter_place(id, received, number)
  return string.format('%015.0f.%012.0f.%s', tonumber(received), tonumber(number), id)
end

local function file_dead_letter(id, letter, number)
  for _, part in ipairs(dead_letter_parts(letter)) do
    redis.call('ZADD', 'ti:dead_by:' .. part, number, id)
    redis.call('ZADD', 'ti:dead_received:' .. part, 0, dead_letter_place(id, letter.received, number))
  end
  redis.call('SADD', 'ti:dead_parts', letter.reason .. '/' .. letter.source)
end

local function unfile_dead_letter(id, letter, number)
  for _, part in ipairs(dead_letter_parts(letter)) do
    redis.call('ZREM', 'ti:dead_by:' .. part, id)
    redis.call('ZREM', 'ti:dead_received:' .. part, dead_letter_place(id, letter.received, number))
  end
  local part = letter.reason .. '/' .. letter.source
  if redis.call('EXISTS', 'ti:dead_by:' .. part) == 0 then redis.call('SREM', 'ti:dead_parts', part) end
end

local function find_dead_letter(id)
  -- `last` is none.
  if not string.find(id, ':', 1, true) then return nil end
  local names = {'source', 'reason', 'received', 'subscription', 'origin'}
  local found, letter = redis.call('HMGET', 'ti:dead:' .. id, unpack(names)), {}
  if not found[1] then return nil end
  for position, name in ipairs(names) do letter[name] = found[position] or nil end
  return letter
end

-- `letter` has the fields of the hash but for failed, kept and times; `failed` (ms) may be given. Returns true where it was not
-- there before. The same letter from another origin is counted, and takes the new reason; from the same origin it changes nothing.
local function keep_dead_letter(id, letter)
  local key = 'ti:dead:' .. id
  local old = find_dead_letter(id)
  if old and old.origin == letter.origin then return false end
  local number
  if old then
    number = redis.call('ZSCORE', 'ti:dead', id)
    unfile_dead_letter(id, old, number)
    letter.received, letter.body = old.received, nil
    redis.call('HDEL', key, 'place')
  else
    number = redis.call('INCR', 'ti:dead:last')
    redis.call('ZADD', 'ti:dead', number, id)
    redis.call('HSET', key, 'kept', milliseconds(queue_time()))
  end
  letter.failed = letter.failed or milliseconds(wall_time())
  local fields = {}
  for name, value in pairs(letter) do
    if value ~= '' or name == 'body' then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  redis.call('HSET', key, unpack(fields))
  redis.call('HINCRBY', key, 'times', 1)
  file_dead_letter(id, letter, number)
  return not old
end

local function count_dead_letter(letter)
  redis.call('HINCRBY', 'ti:counters', 'dead_letters:' .. letter.source, 1)
  redis.call('HINCRBY', 'ti:counters', 'dead_letter_reasons:' .. letter.reason, 1)
end

-- Returns the letter, or nil where there was none.
local function forget_dead_letter(id)
  local letter = find_dead_letter(id)
  if not letter then return nil end
  unfile_dead_letter(id, letter, redis.call('ZSCORE', 'ti:dead', id))
  redis.call('ZREM', 'ti:dead', id)
  redis.call('UNLINK', 'ti:dead:' .. id)
  return letter
end

