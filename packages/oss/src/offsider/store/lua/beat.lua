-- beat: what a process says of itself, and what others have to say to it.
--
-- KEYS  1 processes  2 <process>  3 signals:<process>  4 work:<process>
-- ARGV  1 process  2 s for which it is remembered  3 n, then n words: names and values of the process' hash
--       then names and values of the work set
-- Returns {1 when the process was known, else 0, one signal or false}
--
-- Keeps: one request a beat, however many jobs run. The work set is replaced as a whole: a job that has ended is not
-- shown any more. What a process wrote is gone soon after its last beat.
local function write(key, first, last)
  for i = first, last, 1000 do
    redis.call('HSET', key, unpack(ARGV, i, math.min(i + 999, last)))
  end
  redis.call('EXPIRE', key, ARGV[2])
end

local known = redis.call('EXISTS', KEYS[2])
local last = 3 + ARGV[3]
write(KEYS[2], 4, last)
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('UNLINK', KEYS[4])
if #ARGV > last then write(KEYS[4], last + 1, #ARGV) end
return {known, redis.call('RPOP', KEYS[3])}
