-- Moves a dead letter back into the inbox. Keys: see dead_letters.py and inbox.py.
-- ARGV: id, 'force' or ''. Returns the inbox entry's id, or nil for no such letter.
local key = 'ti:dead:' .. ARGV[1]
local letter = redis.call('HMGET', key, 'source', 'received', 'body')
if not letter[1] then return nil end
local name = '0:' .. letter[1] .. ':' .. letter[2]
if ARGV[2] ~= '' then name = name .. ':' .. ARGV[2] end
local entry = redis.call('XADD', 'ti:inbox', '*', name, letter[3])
redis.call('DEL', key)
redis.call('ZREM', 'ti:dead', ARGV[1])
return entry
