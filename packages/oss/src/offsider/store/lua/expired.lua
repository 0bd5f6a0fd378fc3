-- expired: owners whose lease has ended.
--
-- KEYS  1 owners  2 a key that never exists: see `offsider.worker.recovery`
-- ARGV  1 longest lease in ms  2 most owners to return
-- Returns {server time in ms, owner, owner, ...}
--
-- Keeps: no lease is further ahead than the longest one, also after the server's clock was set back: such a
-- lease is cut to the longest. ZREM first, so that this works when Redis is full.
redis.call('ZREM', KEYS[1], '')
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local limit = string.format('%d', now_ms + ARGV[1])
for _, owner in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. limit, '+inf', 'LIMIT', 0, 100)) do
  redis.call('ZADD', KEYS[1], 'XX', limit, owner)
end
local owners = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now_ms), 'LIMIT', 0, ARGV[2])
table.insert(owners, 1, now_ms)
return owners
