-- unique_sweep: forget locks whose time is over, and replaced jobs that never came.
--
-- KEYS  1 unique-locks  2 unique-deadlines  3 unique-waiting  4 unique-replaced
-- ARGV  1 most to forget at once
-- Returns how many locks were forgotten.
--
-- Keeps: a lock whose time is over holds nobody up, swept or not: this only frees its memory. Bounded.
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
local over = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, digest in ipairs(over) do
  redis.call('ZREM', KEYS[2], digest)
  redis.call('HDEL', KEYS[1], digest)
  redis.call('HDEL', KEYS[3], digest)
end
local forgotten = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, jid in ipairs(forgotten) do redis.call('ZREM', KEYS[4], jid) end
return #over
