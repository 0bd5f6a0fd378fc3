-- resume: jobs are taken from a queue again.
--
-- KEYS  1 paused  2 pauses  3 queue:<name>  4 bell:<name>
-- ARGV  1 name of the queue
-- Returns 1 when it was paused, else 0.
--
-- Keeps: may be repeated. The first write is SREM, which a full Redis does not refuse. The bell is rung when there are
-- jobs: whoever has waited for it may have missed it.
local was = redis.call('SREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('EXISTS', KEYS[3]) == 1 and redis.call('LLEN', KEYS[4]) == 0 then redis.call('LPUSH', KEYS[4], '1') end
return was
