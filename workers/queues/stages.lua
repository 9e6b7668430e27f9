-- How much waits at each stage behind the inbox, and for how long the oldest has. Writes nothing but queue time.
--
-- Keys: see pull.lua (pull queues), record.lua (ti:events), dead_letters.py (ti:dead), deliveries.py (ti:deliveries:<subscription>:…)
-- ARGV: each pull queue.
-- Returns {pull queues, deliveries, dead letters}: for each pull queue {waiting, held, ms the oldest has waited}; {waiting, out, ms
-- since the oldest was first due, ms since something should have been sent, circuits that are open}; {waiting, ms since the oldest is one}.
-- A script whose first write frees memory may go on where there is none left: so it can be seen how a full store is.
redis.call('DEL', 'ti:nothing')

-- Copies whose hold has run out that are looked at for the oldest of them: those that ran out first.
local SOME = 16
local now = queue_time()

-- ms since the event of a copy was recorded; 0 if it is forgotten.
local function age(copy)
  local entry = string.match(copy, '^(%d+%-%d+)%.')
  local found = redis.call('XRANGE', 'ti:events', entry, entry)[1]
  if found then
    for i = 1, #found[2], 2 do
      if found[2][i] == 'time' then return math.max(0, now - tonumber(found[2][i + 1])) end
    end
  end
  return 0
end

local pull = {}
for number, name in ipairs(ARGV) do
  local queue = 'ti:pull:' .. name
  local held = queue .. ':held'
  local oldest = 0
  local first = redis.call('LINDEX', queue, 0)
  if first then oldest = age(first) end
  -- What was pulled and not confirmed waits again, and is older than what was never pulled.
  for _, copy in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', milliseconds(now), 'LIMIT', 0, SOME)) do
    oldest = math.max(oldest, age(copy))
  end
  pull[number] = {redis.call('LLEN', queue), redis.call('ZCARD', held), oldest}
end

local due, out, oldest, open = 0, 0, 0, 0
for _, subscription in ipairs(redis.call('HKEYS', 'ti:subscriptions')) do
  local key = 'ti:deliveries:' .. subscription
  local since = redis.call('ZRANGE', key .. ':since', 0, 0, 'WITHSCORES')[2]
  if since then
    oldest = math.max(oldest, now - tonumber(since))
    due, out = due + redis.call('ZCARD', key .. ':due'), out + redis.call('ZCARD', key .. ':out')
  end
  open = open + redis.call('HEXISTS', key, 'opened')
end
-- What waits for a circuit, or for another try, is not to be looked at yet: so this is how far behind the workers are.
local first = redis.call('ZRANGE', 'ti:deliveries:next', 0, 0, 'WITHSCORES')[2]
local late = first and math.max(0, now - tonumber(first)) or 0

local waited = 0
local letter = redis.call('ZRANGE', 'ti:dead', 0, 0)[1]
if letter then
  local kept = tonumber(redis.call('HGET', 'ti:dead:' .. letter, 'kept'))
  if kept then waited = math.max(0, math.floor(now - kept)) end
end
return {pull, {due + out, out, math.floor(oldest), math.floor(late), open}, {redis.call('ZCARD', 'ti:dead'), waited}}
