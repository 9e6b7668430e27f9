-- Notes that a process lives. Keys: see processes.py. ARGV: its name, what there is to say of it: JSON, to which `seen` is added.
-- A script whose first write frees memory may go on where there is none left: a process does not end because a store is full.
redis.call('DEL', 'ti:nothing')
local about = string.gsub(ARGV[2], '}$', ',"seen":' .. milliseconds(queue_time()) .. '}')
redis.call('HSET', 'ti:processes', ARGV[1], about)
