-- paused: what is paused, in one request.
--
-- KEYS  1 paused  2 pauses  3 job-pauses
-- ARGV  1 '1' for the notes on queues, too
-- Returns a list: names of queues, notes on queues (name, note …), pauses of classes (name and arguments, note …).
--
-- Keeps: only looks. Both are as long as people have made them; the hash of classes is bounded by who writes it.
local notes = ARGV[1] == '1' and redis.call('HGETALL', KEYS[2]) or {}
return {redis.call('SMEMBERS', KEYS[1]), notes, redis.call('HGETALL', KEYS[3])}
