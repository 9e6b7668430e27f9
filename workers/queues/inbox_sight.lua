-- Where the inbox stands, without its bodies. Keys: see inbox.py.
-- Returns {newest entry id ever, newest finished entry id, entries waiting, ms the oldest has waited, ms since one was finished}.
-- A script whose first write frees memory may go on where there is none left: so it can be seen how a full store is.
redis.call('DEL', 'ti:nothing')
local info = redis.pcall('XINFO', 'STREAM', 'ti:inbox')
local newest, waiting, oldest = '0-0', 0, nil
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then newest = info[i + 1] end
  if info[i] == 'length' then waiting = info[i + 1] end
  if info[i] == 'first-entry' and info[i + 1] then oldest = info[i + 1][1] end
end
local waited = 0
if oldest then waited = math.max(0, wall_time() - tonumber(string.match(oldest, '^%d+'))) end
local now = queue_time()
-- Where nothing was ever finished, nothing was for as long as the oldest has waited.
local progress = tonumber(redis.call('GET', 'ti:inbox:progress')) or now - waited
return {newest, redis.call('GET', 'ti:inbox:finished') or '0-0', waiting, waited, now - progress}
