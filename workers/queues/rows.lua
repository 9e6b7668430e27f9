-- What is kept of the events at some places in ti:events. Keys: see record.lua.
-- ARGV: bytes after which no further one is read, then the entries. Returns what is kept of each, '' where the entry
-- is no event's any more; fewer than were asked for where they are big.
local answer, size, most = {}, 0, tonumber(ARGV[1])
for i = 2, #ARGV do
  local value = ''
  local found = redis.call('XRANGE', 'ti:events', ARGV[i], ARGV[i])[1]
  if found then
    for j = 1, #found[2], 2 do
      if found[2][j] == 'id' then value = redis.pcall('GET', 'ti:event:' .. found[2][j + 1]) end
    end
  end
  -- Nothing is kept, or in the form of the version before (upgrade.lua).
  if type(value) ~= 'string' then value = '' end
  -- Recorded again since, what is kept is another entry's.
  if value ~= '' and string.match(value, '^%S+ (%S+)') ~= ARGV[i] then value = '' end
  answer[i - 1] = value
  size = size + #value
  if size > most then break end
end
return answer
