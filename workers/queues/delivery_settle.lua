-- Ends a lease: what became of a delivery. Keys: see deliveries.py.
--
-- ARGV: subscription, delivery, end of the lease, what became of it, ms until it is due again, the attempt as JSON or '',
--       failures in a row that open the circuit, ms the circuit is open at first, ms at most.
-- What can have become of it:
--   delivered   it arrived. This holds even where the lease was lost: whoever has it now need not
--   failed      it did not, and that counts against the destination
--   slowed      the destination asks for a pause, for all that is to be sent there
--   refused     the destination wants nothing any more; the delivery waits
--   unmade      there was nothing that could be sent; the destination is not to blame
--   back        it was not tried to the end, and is due again at once, as if it had not been tried
--   gone        its event is kept no longer: there is nothing to send
-- Returns `opened` or `closed` where the circuit just did, else ''.
-- A script whose first write frees memory may go on where there is none left.
redis.call('DEL', 'ti:nothing')
local id, name, lease, became, pause, attempt = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local key = 'ti:deliveries:' .. id
local now = queue_time()
local said = ''
local MOST_RECENT, MOST_ATTEMPTS = 20, 200

if redis.call('HEXISTS', 'ti:subscriptions', id) == 0 then return said end

-- Attempts by the class of their answer, and by how long they took: milliseconds, up to and including.
local TIMES = {10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 15000}
local function tally(about)
  local class = 'none'
  if type(about.status) == 'number' then class = math.floor(about.status / 100) .. 'xx'
  elseif about.error == cjson.null then class = 'task' end
  local ms, bound = math.floor(about.seconds * 1000 + 0.5), 'inf'
  for _, most in ipairs(TIMES) do
    if ms <= most then bound = most break end
  end
  redis.call('HINCRBY', 'ti:counters', 'attempts:' .. class, 1)
  redis.call('HINCRBY', 'ti:counters', 'attempt_time:' .. bound, 1)
  redis.call('HINCRBY', 'ti:counters', 'attempt_ms', ms)
end

-- Once for each attempt, however often it is settled.
local function note()
  if attempt == '' then return end
  tally(cjson.decode(attempt))
  redis.call('LPUSH', key .. ':recent', attempt)
  redis.call('LTRIM', key .. ':recent', 0, MOST_RECENT - 1)
  local copy = string.match(name, '^(.*)/')
  local entry, event = string.match(copy, '^([^.]+)%.(.+)$')
  -- The second word of what is kept (kept.lua) says for which entry: it may be forgotten, or recorded anew.
  if string.match(redis.call('GETRANGE', 'ti:event:' .. event, 0, 200), '^%S+ (%S+)') == entry then
    redis.call('RPUSH', 'ti:attempts:' .. copy, attempt)
    redis.call('LTRIM', 'ti:attempts:' .. copy, -MOST_ATTEMPTS, -1)
  end
end

local function count(counter)
  redis.call('HINCRBY', key, counter, 1)
  redis.call('HINCRBY', 'ti:counters', 'deliveries:' .. (counter == 'delivered' and 'succeeded' or counter), 1)
end

local function forget()
  local was = redis.call('ZREM', key .. ':since', name)
  redis.call('ZREM', key .. ':due', name)
  redis.call('ZREM', key .. ':out', name)
  redis.call('HDEL', key .. ':tries', name)
  redis.call('HDEL', key .. ':payloads', name)
  return was == 1
end

local holds = tonumber(redis.call('ZSCORE', key .. ':out', name)) == tonumber(lease)

if became == 'delivered' then
  if forget() then
    note()
    count('delivered')
  end
  if redis.call('HDEL', key, 'opened') == 1 then said = 'closed' end
  redis.call('HDEL', key, 'failures', 'wait', 'until')
elseif not holds then
  -- Whoever has it now says what becomes of it.
  return said
elseif became == 'gone' then
  if forget() then
    count('dropped')
    redis.call('HINCRBY', 'ti:counters', 'expired:undelivered', 1)
  end
else
  redis.call('ZREM', key .. ':out', name)
  redis.call('ZADD', key .. ':due', milliseconds(now + pause), name)
  if became == 'back' then
    redis.call('HINCRBY', key .. ':tries', name, -1)
  else
    note()
    count('failed')
  end
  if became == 'slowed' then
    local paused = tonumber(redis.call('HGET', key, 'paused')) or 0
    redis.call('HSET', key, 'paused', milliseconds(math.max(paused, now + pause)))
  elseif became == 'failed' then
    local failures = redis.call('HINCRBY', key, 'failures', 1)
    local state = redis.call('HMGET', key, 'opened', 'until', 'wait')
    if state[1] then
      -- The one that went out to see. What was under way when the circuit opened says nothing new.
      if now >= tonumber(state[2]) then
        local wait = math.min(2 * tonumber(state[3]), tonumber(ARGV[9]))
        redis.call('HSET', key, 'wait', milliseconds(wait), 'until', milliseconds(now + wait))
      end
    elseif failures >= tonumber(ARGV[7]) then
      redis.call('HSET', key, 'opened', 1, 'wait', ARGV[8], 'until', milliseconds(now + tonumber(ARGV[8])))
      said = 'opened'
    end
  end
end
set_next(id, false)
return said
