-- Queue time: milliseconds that only ever run forward, at the pace of the server's clock, whatever that clock is set to.
--
--   ti:time   hash {wall: the server's clock when last looked at, now: queue time then}
--
-- Each look adds what the clock has moved since the last one, and a move that cannot be elapsed time (backwards, or more than
-- MOST_STEP although somebody looks every second) adds nothing. So a clock that jumps can make a hold longer by at most the
-- time nobody looked; it never ends one early, and never makes four days of retention pass in a moment.
local MOST_STEP = 5000

local function milliseconds(number)
  return string.format('%.0f', number)
end

local function wall_time()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function queue_time()
  local wall = wall_time()
  local seen = redis.call('HMGET', 'ti:time', 'wall', 'now')
  local now = tonumber(seen[2]) or wall
  local step = wall - (tonumber(seen[1]) or 0)
  if step > 0 and step <= MOST_STEP then
    now = now + step
  end
  if step ~= 0 then
    redis.call('HSET', 'ti:time', 'wall', milliseconds(wall), 'now', milliseconds(now))
  end
  return now
end

