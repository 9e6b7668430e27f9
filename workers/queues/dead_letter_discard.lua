-- Forgets a dead letter. Keys: see dead_letters.py. ARGV: id. Returns how many there were.
redis.call('ZREM', 'ti:dead', ARGV[1])
return redis.call('DEL', 'ti:dead:' .. ARGV[1])
