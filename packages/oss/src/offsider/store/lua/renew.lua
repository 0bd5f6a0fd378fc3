-- renew: prolong an owner's lease, or open it.
--
-- KEYS  1 owners  2 inflight:<owner>
-- ARGV  1 owner  2 lease in ms  3 '1' to open a new lease, '0' to prolong a living one
-- Returns {1 when the lease is held, server time in ms}; {0, time} when the owner was recovered by another process.
--
-- Keeps: leases are in server time. HDEL first, so that a full Redis still lets a worker live.
redis.call('HDEL', KEYS[2], '')
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[3] == '0' and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {0, now_ms} end
redis.call('ZADD', KEYS[1], string.format('%d', now_ms + ARGV[2]), ARGV[1])
return {1, now_ms}
