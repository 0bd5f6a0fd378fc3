-- guard: say that a process lives.
--
-- KEYS  1 guards
-- ARGV  1 identity of the process  2 ms for which this holds
-- Returns the server's time in ms.
--
-- Keeps: deadlines are in server time. ZREM first, so that a full Redis still lets a worker live.
redis.call('ZREM', KEYS[1], '')
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%d', now_ms + ARGV[2]), ARGV[1])
return now_ms
