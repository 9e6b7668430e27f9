-- Keeps a sample, unless another clock has kept one within this second.
--
--   ti:samples   list of samples (JSON), the newest first
--
-- ARGV: sample, its queue time (ms), ms that must lie between two samples, how many to keep. Returns 1 if it was kept.
-- A script whose first write frees memory may go on where there is none left: so it can be seen how a full store is.
redis.call('DEL', 'ti:nothing')
local newest = redis.call('LINDEX', 'ti:samples', 0)
if newest and math.abs(tonumber(ARGV[2]) - cjson.decode(newest).now) < tonumber(ARGV[3]) then return 0 end
redis.call('LPUSH', 'ti:samples', ARGV[1])
redis.call('LTRIM', 'ti:samples', 0, ARGV[4] - 1)
return 1
