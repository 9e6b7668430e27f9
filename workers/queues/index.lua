-- The indexes that an event is found by, other than its id. Keys: see record.lua.

-- The number of a shape; nil for one that is not there, and may not be added.
local function shape_number(text, most)
  local number = redis.call('HGET', 'ti:shapes:numbers', text)
  if number then return number end
  if most and redis.call('HLEN', 'ti:shapes') >= most then return nil end
  number = redis.call('INCR', 'ti:shapes:last')
  redis.call('HSET', 'ti:shapes', number, text)
  redis.call('HSET', 'ti:shapes:numbers', text, number)
  return number
end

-- The number of the shape of an event, the fine one if there is room for it. Where it is the coarse one the names of its
-- renditions become references too.
local function shape_of(fine, coarse, most, references, names)
  local shape = fine ~= '' and shape_number(fine, most)
  if shape then return shape end
  for _, name in ipairs(names) do references[#references + 1] = name end
  return shape_number(coarse)
end

local function refer(reference, entry)
  local key = 'ti:reference:' .. reference
  if redis.call('SET', key, entry, 'NX') then return end
  local function add(one)
    local ms, seq = string.match(one, '^(%d+)-(%d+)$')
    redis.call('ZADD', key, milliseconds(ms * 4096 + math.min(tonumber(seq), 4095)), one)
  end
  if redis.call('TYPE', key).ok == 'string' then
    local first = redis.call('GET', key)
    redis.call('DEL', key)
    add(first)
  end
  add(entry)
end

local function refer_to(entry, references)
  for _, reference in ipairs(references) do refer(reference, entry) end
end

