-- cron_put: write an entry of the crontab, a new one, another one over it, or the one that code or settings declare.
--
-- KEYS  1 cron-names  2 cron-due  3 cron:<name>  4 cron-declared
-- ARGV  1 name  2 the revision that is replaced; '' for a new one, '*' for whichever  3 revision  4 definition
--       5 its fields and its zone  6 source  7 when it is due next, s since 1970  8 how many entries there may be
-- Returns 1 when it was written, 0 when it is so already, -1 when another revision is there, -2 when there are too
--         many.
--
-- Keeps: an entry whose fields and zone are the same goes on where it was: what was missed is still missed. A paused
-- one stays paused. A declared one is affirmed in any case.
local rev, source = unpack(redis.call('HMGET', KEYS[3], 'rev', 'source'))
if ARGV[2] ~= '*' and ARGV[2] ~= (rev or '') then return -1 end
if not rev and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[8]) then return -2 end

redis.call('ZADD', KEYS[1], 0, ARGV[1])
if ARGV[6] == 'run time' then
  redis.call('ZREM', KEYS[4], ARGV[1])
else
  redis.call('ZADD', KEYS[4], redis.call('TIME')[1], ARGV[1])
end
if rev == ARGV[3] and source == ARGV[6] then return 0 end
local times, paused = unpack(redis.call('HMGET', KEYS[3], 'times', 'paused'))
redis.call('HSET', KEYS[3], 'rev', ARGV[3], 'def', ARGV[4], 'times', ARGV[5], 'source', ARGV[6])
if not paused and (times ~= ARGV[5] or not redis.call('ZSCORE', KEYS[2], ARGV[1])) then
  redis.call('ZADD', KEYS[2], ARGV[7], ARGV[1])
end
return 1
