-- Forgets the oldest events, once they are older than the retention, with everything that refers to them. Keys: see
-- record.lua.
--
-- ARGV: retention ms, how many at most. Returns {how many entries were looked at and removed, how many events were
-- forgotten, how many of them a pull queue had not confirmed}; ti:counters counts the last two as `expired` and
-- `expired:unconfirmed`. Ages are in queue time: a clock that jumps ahead four days makes nothing four days old. A script
-- whose first write frees memory may go on where there is none left: so a full store can still be emptied.
redis.call('DEL', 'ti:nothing')
local oldest_kept = queue_time() - tonumber(ARGV[1])
local removed, forgotten, unconfirmed = 0, 0, 0

-- The words of an event in the form of the version before, which a process of that version may have recorded after the upgrade;
-- its ids refer to it in that version's way, and need not any more.
local function kept_before(id, entry)
  local found = redis.pcall('HMGET', 'ti:event:' .. id, 'entry', 'queues', 'references')
  if found.err or found[1] ~= entry then return nil end
  for _, reference in ipairs(cjson.decode(found[3])) do redis.call('ZREM', 'ti:reference:' .. reference, id) end
  return {'-', entry, kept_joined(cjson.decode(found[2])), '-', '-', '-'}
end

for _, found in ipairs(redis.call('XRANGE', 'ti:events', '-', '+', 'COUNT', ARGV[2])) do
  local entry, fields = found[1], {}
  for i = 1, #found[2], 2 do fields[found[2][i]] = found[2][i + 1] end
  if tonumber(fields.time) > oldest_kept then break end

  local words = kept_of(fields.id) or kept_before(fields.id, entry)
  -- Recording may have broken off, or been done again since; then what is kept is another entry's.
  if words and words[2] == entry then
    if forget_event(fields.id, words, true) then unconfirmed = unconfirmed + 1 end
    forgotten = forgotten + 1
  end
  forget_entry(entry, fields.shape or kept_shape(words))
  removed = removed + 1
end

for name, count in pairs({['expired'] = forgotten, ['expired:unconfirmed'] = unconfirmed}) do
  if count > 0 then redis.call('HINCRBY', 'ti:counters', name, count) end
end
return {removed, forgotten, unconfirmed}
