-- Makes a dead letter of a delivery that is not on its way, in one step; or drops it, where there is nothing left to send.
-- Keys: see deliveries.py and dead_letter.lua.
--
-- ARGV: subscription, delivery, then of the dead letter: id, source, message, received ms, the document or '', url, event,
--       rendition, entry. Returns 1, or 0 where it was delivered or taken up meanwhile.
-- A script whose first write frees memory may go on where there is none left.
redis.call('DEL', 'ti:nothing')
local id, name, letter = ARGV[1], ARGV[2], ARGV[3]
local key = 'ti:deliveries:' .. id
local leased = tonumber(redis.call('ZSCORE', key .. ':out', name))
if leased and leased > queue_time() then return 0 end
if not redis.call('ZSCORE', key .. ':since', name) then return 0 end
-- First of all the letter, so that an error in keeping it (a script is not undone) loses nothing.
local buried = ARGV[7] ~= ''
if buried then
  local kept = {
    source = ARGV[4], reason = 'undeliverable', message = ARGV[5], received = ARGV[6], body = ARGV[7],
    origin = id .. '/' .. name, subscription = id, url = ARGV[8], event = ARGV[9], rendition = ARGV[10], delivery = name,
    entry = ARGV[11]
  }
  keep_dead_letter(letter, kept)
  count_dead_letter(kept)
end
redis.call('ZREM', key .. ':since', name)
redis.call('ZREM', key .. ':due', name)
redis.call('ZREM', key .. ':out', name)
redis.call('HDEL', key .. ':tries', name)
redis.call('HDEL', key .. ':payloads', name)
set_next(id, false)
redis.call('HINCRBY', key, buried and 'dead' or 'dropped', 1)
redis.call('HINCRBY', 'ti:counters', buried and 'deliveries:dead' or 'deliveries:dropped', 1)
if not buried then redis.call('HINCRBY', 'ti:counters', 'expired:undelivered', 1) end
return 1
