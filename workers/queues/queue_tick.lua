-- Looks at the clock, so that queue time goes on while nobody pulls.
-- A script whose first write frees memory may go on where there is none left, and so does time.
redis.call('DEL', 'ti:nothing')
return milliseconds(queue_time())
