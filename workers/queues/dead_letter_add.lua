-- Keeps a callback that could not be understood; the same bytes again are counted. Keys: see dead_letter.lua.
-- ARGV: id, source, reason, message, place, received ms, body, origin
local letter = {
  source = ARGV[2], reason = ARGV[3], message = ARGV[4], place = ARGV[5], received = ARGV[6], body = ARGV[7], origin = ARGV[8]
}
local old = redis.call('HGET', 'ti:dead:' .. ARGV[1], 'origin')
if old == ARGV[8] then return end
keep_dead_letter(ARGV[1], letter)
count_dead_letter(letter)
