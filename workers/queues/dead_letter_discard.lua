-- Forgets dead letters. Keys: see dead_letter.lua. ARGV: ids. Returns how many there were.
-- A script whose first write frees memory may go on where there is none left: so a full store can still be emptied.
redis.call('DEL', 'ti:nothing')
local forgotten = 0
for _, id in ipairs(ARGV) do
  if forget_dead_letter(id) then forgotten = forgotten + 1 end
end
return forgotten
