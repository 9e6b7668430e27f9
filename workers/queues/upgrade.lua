-- Gives one event that the version before kept as a hash the form of record.lua, with what is noted of it, in one step.
-- That hash had: document, raw, own, origin, duplicates, duplicate (ms), entry, references (ids, JSON), queues (JSON),
-- unconfirmed (how many queues), expired:<queue>.
--
-- ARGV: event id, its entry in ti:events, pull queues, own renditions, what is kept, fine shape or '', coarse shape, how
--       many fine shapes there may be, references, further ones of a coarse shape; all as in record.lua.
-- Returns 1, or 0 where it is done or gone already. A script whose first write frees memory may go on where there is none
-- left, and this one frees more.
redis.call('DEL', 'ti:nothing')
local id, entry = ARGV[1], ARGV[2]
local event, copy = 'ti:event:' .. id, ARGV[2] .. '.' .. ARGV[1]
if redis.call('TYPE', event).ok ~= 'hash' then return 0 end
local old, flat = {}, redis.call('HGETALL', event)
for i = 1, #flat, 2 do old[flat[i]] = flat[i + 1] end
-- Recorded anew since.
if old.entry ~= entry then return 0 end

local before, references = cjson.decode(old.references), kept_list(ARGV[9])
local shape = shape_of(ARGV[6], ARGV[7], tonumber(ARGV[8]), references, kept_list(ARGV[10]))
local words = {old.origin, entry, ARGV[3], kept_joined(references), 'unknown', ARGV[4], 'shape|' .. shape}
if old.duplicates then words[#words + 1] = 'again|' .. old.duplicates .. '|' .. old.duplicate end

-- An index takes entries in their order only. If another version has recorded younger ones already this one is not in the
-- index: it is found by its ids, and in lists without filters.
redis.pcall('XADD', 'ti:shape:' .. shape, entry, '', '')
for _, reference in ipairs(before) do redis.call('ZREM', 'ti:reference:' .. reference, id) end
refer_to(entry, references)

local queues = kept_list(ARGV[3])
for _, name in ipairs(queues) do
  local queue, expired = 'ti:pull:' .. name, old['expired:' .. name]
  local ends, at = string.match(redis.call('HGET', queue .. ':confirmed', copy) or '', '^(%d+)[ |](%d+)')
  if ends then
    if expired then words[#words + 1] = 'expired|' .. name .. '|' .. expired end
    words[#words + 1] = 'confirmed|' .. name .. '|' .. ends .. '|' .. at .. '|'
    redis.call('HDEL', queue .. ':confirmed', copy)
  elseif expired then
    redis.call('HINCRBY', queue .. ':expired', copy, expired)
  end
end
local unconfirmed = tonumber(old.unconfirmed) or 0
if #queues > 1 and unconfirmed > 0 then redis.call('HSET', 'ti:content:unconfirmed', copy, unconfirmed) end
if redis.call('GET', 'ti:content:v2:' .. copy) == '=' then redis.call('SET', 'ti:content:v2:' .. copy, old.raw) end
redis.call('SET', event, kept_value(words, '\n' .. ARGV[5]))
return 1
