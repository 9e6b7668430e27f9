-- wrk: posts the documented cts-video result, each time with another `vid`, so that no two callbacks are the same one.
--   wrk … -s callbacks.lua <url> -- <body file> <run>
-- `run` (8 hex digits) tells one run's callbacks from another's. Ends with one line of JSON for load.py.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   local file = assert(io.open(args[1], "rb"))
   local body = file:read("*a"):gsub("%s+$", "")
   file:close()
   local before, vid, after = body:match('^(.*"vid": ?")(%w+)(".*)$')
   sent = 0
   vid_format = args[2] .. string.format("%02x", number) .. "%0" .. (#vid - 10) .. "x"
   head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"]
      .. "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. before
   tail = after
end

function request()
   sent = sent + 1
   return head .. vid_format:format(sent) .. tail
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "bad_status": %d, "broken": %d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
      errors.connect + errors.read + errors.write + errors.timeout))
end
