-- Forgets finished inbox entries and notes the newest of them. ARGV: entry ids.
--
--   ti:inbox            stream of entries
--   ti:inbox:finished   string: the newest finished entry id
--   ti:inbox:progress   string: queue time (ms) of the last time anything was finished
--   ti:inbox:swept      hash: entry id -> the newest entry id when it was published again
local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end

local newest = redis.call('GET', 'ti:inbox:finished') or '0-0'
local newest_ms, newest_seq = parts(newest)
for _, id in ipairs(ARGV) do
  local ms, seq = parts(id)
  if ms > newest_ms or (ms == newest_ms and seq > newest_seq) then
    newest, newest_ms, newest_seq = id, ms, seq
  end
end
redis.call('XDEL', 'ti:inbox', unpack(ARGV))
redis.call('HDEL', 'ti:inbox:swept', unpack(ARGV))
redis.call('SET', 'ti:inbox:finished', newest)
redis.call('SET', 'ti:inbox:progress', milliseconds(queue_time()))
return newest
