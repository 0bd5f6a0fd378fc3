-- unique_begin: the body of a unique job is about to begin.
--
-- KEYS  1 owners  2 inflight:<owner>  3 unique-locks  4 unique-deadlines  5 unique-waiting  6 unique-replaced
-- ARGV  1 owner  2 field of the job  3 digest  4 jid  5 until
-- Returns 1 when it may begin, 2 when another job has taken its place, 0 when it is not this owner's (any more).
--
-- Keeps: who has lost its lease changes nothing; only the holder's lock is changed. HDEL and ZREM come first, which a
-- full Redis does not refuse.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then return 0 end
if redis.call('ZSCORE', KEYS[6], ARGV[4]) then return 2 end
local value = redis.call('HGET', KEYS[3], ARGV[3])
if not value then return 1 end
local jid, note = string.match(value, '^([^\n]*)\n%d+\n%a\n(.*)$')
if jid ~= ARGV[4] then return 1 end
redis.call('HDEL', KEYS[5], ARGV[3])
if ARGV[5] == 'start' then
  redis.call('HDEL', KEYS[3], ARGV[3])
  redis.call('ZREM', KEYS[4], ARGV[3])
else
  local time = redis.call('TIME')
  local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('HSET', KEYS[3], ARGV[3], jid .. '\n' .. now .. '\nr\n' .. note)
end
return 1
