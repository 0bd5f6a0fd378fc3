-- condemn: a process is dead: end its leases, so that its jobs are given back now, and keep what it has died of.
--
-- KEYS  1 guards  2 owners  3 death:<identity>  4 deaths
-- ARGV  1 identity  2 'death' when that was seen, 'standstill' when who speaks for it says so, 'silence' when it only
--       was not heard  3 what it has died of
--       4 whether it could run suspects alone: '1', '0', or '' where nobody knows
--       5 s for which that is kept  6 most deaths to keep  7.. its owners
-- Returns how many leases were ended; -1 when it was not heard and has said since that it lives.
--
-- Keeps: compare-and-set: who says in the meantime that it lives keeps its jobs; a cause that was seen stands above one
-- that was not, as long as the process has not said since that it lives: then it is another death, of other jobs. ZREM
-- first, so that this works when Redis is full.
local identity = ARGV[1]
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local deadline = redis.call('ZSCORE', KEYS[1], identity)
if ARGV[2] == 'silence' and (not deadline or tonumber(deadline) > now_ms) then return -1 end
redis.call('ZREM', KEYS[1], '')
local ended = 0
for k = 7, #ARGV do
  if redis.call('ZSCORE', KEYS[2], ARGV[k]) then
    redis.call('ZADD', KEYS[2], 'XX', '1', ARGV[k])
    ended = ended + 1
  end
end
redis.call('ZADD', KEYS[1], '0', identity)
local has_lived = deadline and tonumber(deadline) > 0
if has_lived then redis.call('HDEL', KEYS[3], 'cause', 'jobs') end
if ARGV[2] == 'death' or redis.call('HEXISTS', KEYS[3], 'cause') == 0 then
  redis.call('HSET', KEYS[3], 'cause', ARGV[3], 'alone', ARGV[4], 'at', string.format('%d', now_ms))
  redis.call('EXPIRE', KEYS[3], ARGV[5])
  redis.call('ZADD', KEYS[4], string.format('%d', now_ms), identity)
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', string.format('%d', now_ms - ARGV[5] * 1000))
  redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -(ARGV[6] + 1))
end
return ended
