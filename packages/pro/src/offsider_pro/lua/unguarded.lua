-- unguarded: processes that are known to be dead, and those that have not said for too long that they live.
--
-- KEYS  1 guards
-- ARGV  1 longest time for which a guard may hold, in ms  2 most processes to return
-- Returns {server time in ms, identity, deadline in ms, identity, deadline in ms, ...}; a deadline of 0: it is dead.
--
-- Keeps: no guard holds longer than the longest time, also after the server's clock was set back. ZREM first, so that
-- this works when Redis is full.
redis.call('ZREM', KEYS[1], '')
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local limit = string.format('%d', now_ms + ARGV[1])
for _, identity in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. limit, '+inf', 'LIMIT', 0, 100)) do
  redis.call('ZADD', KEYS[1], 'XX', limit, identity)
end
local found =
  redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now_ms), 'WITHSCORES', 'LIMIT', 0, ARGV[2])
table.insert(found, 1, now_ms)
return found
