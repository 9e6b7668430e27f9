-- Where the inbox stands, without its bodies. Keys: see inbox.py. Returns {newest entry id ever, newest finished entry id}.
local info = redis.pcall('XINFO', 'STREAM', 'ti:inbox')
local newest = '0-0'
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then newest = info[i + 1] end
end
return {newest, redis.call('GET', 'ti:inbox:finished') or '0-0'}
