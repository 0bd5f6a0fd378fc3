-- cron_due: which entries of the crontab are due.
--
-- KEYS  1 cron-due
-- ARGV  1 how many to pass over  2 how many at most
-- Returns {seconds of the server's clock, when the first that is not due is, or '', then names and when they are due}.
--
-- Keeps: only looks, at no more than it was told to.
local time = redis.call('TIME')
local now = time[1] .. '.' .. string.format('%06d', time[2])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', ARGV[1], ARGV[2])
local after = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
return {now, after[2] or '', unpack(due)}
