-- cron_resume: an entry goes on.
--
-- KEYS  1 cron-due  2 cron:<name>
-- ARGV  1 name  2 revision  3 when it is due next, s since 1970
-- Returns 1 when it was paused, 0 when not, -1 when there is no such entry, or it is another one now.
--
-- Keeps: may be repeated. What has passed meanwhile is not made up for.
local rev = redis.call('HGET', KEYS[2], 'rev')
if rev ~= ARGV[2] then return -1 end
if redis.call('HDEL', KEYS[2], 'paused') == 0 then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
