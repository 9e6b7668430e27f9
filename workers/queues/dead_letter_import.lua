-- Keeps a dead letter that was exported before, unless it is here. Keys: see dead_letter.lua.
-- ARGV: id, times, then field and value of each that is not empty. Returns 1 where it was not here.
local id, letter = ARGV[1], {}
for position = 3, #ARGV, 2 do letter[ARGV[position]] = ARGV[position + 1] end
if redis.call('EXISTS', 'ti:dead:' .. id) == 1 then return 0 end
keep_dead_letter(id, letter)
redis.call('HSET', 'ti:dead:' .. id, 'times', ARGV[2])
return 1
