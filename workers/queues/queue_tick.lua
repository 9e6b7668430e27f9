-- Looks at the clock, so that queue time goes on while nobody pulls.
return milliseconds(queue_time())
