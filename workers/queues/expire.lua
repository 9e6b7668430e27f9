-- Forgets the oldest events, once they are older than the retention, with everything that refers to them. Keys: see record.lua.
--
-- ARGV: retention ms, how many at most. Returns how many were forgotten. Ages are in queue time: a clock that jumps ahead four
-- days makes nothing four days old.
-- A script whose first write frees memory may go on where there is none left: so a full store can still be emptied.
redis.call('DEL', 'ti:nothing')
local oldest_kept = queue_time() - tonumber(ARGV[1])
local forgotten = 0

for _, found in ipairs(redis.call('XRANGE', 'ti:events', '-', '+', 'COUNT', ARGV[2])) do
  local entry, fields = found[1], {}
  for i = 1, #found[2], 2 do fields[found[2][i]] = found[2][i + 1] end
  if tonumber(fields.time) > oldest_kept then break end

  local key = 'ti:event:' .. fields.id
  local kept = {}
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do kept[flat[i]] = flat[i + 1] end
  -- The same callback may have been recorded again after the deduplication window; then the key is the newer one's.
  if kept.entry == entry then
    local copy = entry .. '.' .. fields.id
    redis.call('UNLINK', 'ti:content:v2:' .. copy, 'ti:content:v3:' .. copy)
    for _, queue in ipairs(cjson.decode(kept.queues)) do
      redis.call('ZREM', 'ti:pull:' .. queue .. ':held', copy)
      redis.call('HDEL', 'ti:pull:' .. queue .. ':confirmed', copy)
      -- Copies wait in the order of their entries, so the oldest is in front.
      if redis.call('LINDEX', 'ti:pull:' .. queue, 0) == copy then redis.call('LPOP', 'ti:pull:' .. queue) end
    end
    for _, reference in ipairs(cjson.decode(kept.references)) do
      redis.call('ZREM', 'ti:reference:' .. reference, fields.id)
    end
    redis.call('UNLINK', key)
    -- Not for one recorded again since: its last rendition is younger than those of events that are kept.
    if kept.last_rendition ~= '' then
      redis.call('XTRIM', 'ti:renditions', 'MINID', kept.last_rendition)
      redis.call('XDEL', 'ti:renditions', kept.last_rendition)
    end
  end
  redis.call('XDEL', 'ti:events', entry)
  forgotten = forgotten + 1
end
return forgotten
