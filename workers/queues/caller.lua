-- Who made the call that handed out what is held until `ends`; '' where that is not known (any more). Keys: see pull.lua.
local function caller(queue, ends)
  local call = redis.call('ZRANGEBYSCORE', queue .. ':calls', ends, ends)[1]
  return call and string.match(call, '|(.*)$') or ''
end

