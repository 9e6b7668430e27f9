-- Forgetting an event, with everything that refers to it. Keys: see record.lua and pull.lua.

-- Takes an entry out of ti:events and out of the index of its shape; a shape that no event has any more is forgotten
-- too.
local function forget_entry(entry, shape)
  redis.call('XDEL', 'ti:events', entry)
  if not shape then return end
  local index = 'ti:shape:' .. shape
  redis.call('XDEL', index, entry)
  if redis.call('XLEN', index) == 0 then
    redis.call('DEL', index)
    local text = redis.call('HGET', 'ti:shapes', shape)
    if text then redis.call('HDEL', 'ti:shapes:numbers', text) end
    redis.call('HDEL', 'ti:shapes', shape)
  end
end

-- Forgets the event `id`, kept under these words. `waits_in_front`: where it still waits in a pull queue, it is the
-- first there. Returns whether a queue has not confirmed it. Its deliveries are dead letters well before (deliveries.py); one
-- that should be left over all the same is dropped, counted and said by the worker that takes it up.
local function forget_event(id, words, waits_in_front)
  local entry = words[2]
  local copy = entry .. '.' .. id
  local unconfirmed = false
  redis.call('UNLINK', 'ti:content:v2:' .. copy, 'ti:content:v3:' .. copy, 'ti:event:' .. id, 'ti:attempts:' .. copy)
  for _, name in ipairs(kept_list(words[3])) do
    local queue = 'ti:pull:' .. name
    local was_held = redis.call('ZREM', queue .. ':held', copy) == 1
    local was_confirmed = redis.call('HDEL', queue .. ':confirmed', copy) == 1 or kept_note(words, 'confirmed|' .. name .. '|')
    redis.call('HDEL', queue .. ':expired', copy)
    if not was_confirmed then
      unconfirmed = true
      if not was_held then
        if not waits_in_front then
          redis.call('LREM', queue, 1, copy)
        elseif redis.call('LINDEX', queue, 0) == copy then
          redis.call('LPOP', queue)
        end
      end
    end
  end
  redis.call('HDEL', 'ti:content:unconfirmed', copy)
  for _, reference in ipairs(kept_list(words[4])) do
    local key = 'ti:reference:' .. reference
    if redis.call('TYPE', key).ok == 'string' then
      if redis.call('GET', key) == entry then redis.call('DEL', key) end
    else
      redis.call('ZREM', key, entry)
    end
  end
  return unconfirmed
end
