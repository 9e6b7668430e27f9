-- Forgets the oldest dead letters, once they were kept too long. Keys: see dead_letter.lua; ti:counters: expired:dead_letters.
-- ARGV: how long (ms), how many at most. Ages are in queue time. Returns {reason/source of each that was forgotten}.
-- A script whose first write frees memory may go on where there is none left: so a full store can still be emptied.
redis.call('DEL', 'ti:nothing')
local oldest_kept = queue_time() - tonumber(ARGV[1])
local forgotten = {}
for _, id in ipairs(redis.call('ZRANGE', 'ti:dead', 0, ARGV[2] - 1)) do
  local kept = redis.call('HGET', 'ti:dead:' .. id, 'kept')
  if not kept or tonumber(kept) > oldest_kept then break end
  local letter = forget_dead_letter(id)
  if letter then forgotten[#forgotten + 1] = letter.reason .. '/' .. letter.source end
end
if #forgotten > 0 then redis.call('HINCRBY', 'ti:counters', 'expired:dead_letters', #forgotten) end
return forgotten
