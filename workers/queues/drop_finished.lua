-- Drops the contents of events that every queue has confirmed, and moves what is noted of their way into what is kept
-- of them. Keys: see pull.lua and record.lua. ARGV: how many at most. Returns of how many. A script whose first write
-- frees memory may go on where there is none left.
redis.call('DEL', 'ti:nothing')
local copies = redis.call('LPOP', 'ti:content:finished', ARGV[1]) or {}
for _, copy in ipairs(copies) do
  redis.call('UNLINK', 'ti:content:v2:' .. copy, 'ti:content:v3:' .. copy)
  local entry, id = string.match(copy, '^([^.]+)%.(.+)$')
  local words, rest = kept_of(id)
  if words and words[2] == entry then
    for _, name in ipairs(kept_list(words[3])) do
      local queue = 'ti:pull:' .. name
      local confirmed, expired = redis.call('HGET', queue .. ':confirmed', copy), redis.call('HGET', queue .. ':expired', copy)
      if expired then words[#words + 1] = 'expired|' .. name .. '|' .. expired end
      local ends = confirmed and string.match(confirmed, '^(%d+)|%d+$')
      if ends then confirmed = confirmed .. '|' .. caller(queue, ends) end
      if confirmed then words[#words + 1] = 'confirmed|' .. name .. '|' .. confirmed end
      redis.call('HDEL', queue .. ':expired', copy)
      redis.call('HDEL', queue .. ':confirmed', copy)
    end
    redis.call('SET', 'ti:event:' .. id, kept_value(words, rest))
  end
end
return #copies
