-- cancel: ask the process that runs a job to end it, or take the job from a process that is gone.
--
-- KEYS  1 owners  2 inflight:<owner>  3 cancels:<process>  4 bell of the cancels of that process
-- ARGV  1 owner  2 field of the job  3 its payload  4 its jid  5 s for which the request holds
-- Returns 1 when it was asked, 2 when the job was taken away, 0 when it is not there (any more).
--
-- Keeps: what is asked for is this attempt, named by owner and field, and never a later one. A job of an owner whose
-- lease has ended is removed by HDEL, as recovery would do it: whoever is first. The request ends by itself.
if redis.call('HGET', KEYS[2], ARGV[2]) ~= ARGV[3] then return 0 end
--+ effects.sift()
local time = redis.call('TIME')
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not lease or tonumber(lease) <= time[1] * 1000 + time[2] / 1000 then
  redis.call('HDEL', KEYS[2], ARGV[2])
  --+ effects.moved(0)
  --+ effects.run()
  return 2
end
redis.call('HSET', KEYS[3], ARGV[1] .. ' ' .. ARGV[2], ARGV[4])
redis.call('EXPIRE', KEYS[3], ARGV[5])
if redis.call('LLEN', KEYS[4]) == 0 then redis.call('LPUSH', KEYS[4], '1') end
redis.call('EXPIRE', KEYS[4], ARGV[5])
return 1
