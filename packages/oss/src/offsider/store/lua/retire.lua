-- retire: a worker's last word: hand back what did not start or was stopped, leave the rest to the others.
--
-- KEYS  1 owners  2 inflight:<owner>  3.. pairs: queue:<name>, bell:<name>
-- ARGV  1 owner  2 ms after which the others may take what is left  3.. groups of two: field, index of its queue in KEYS
-- Returns {number handed back, number left}
--
-- Keeps: a job whose body may still run is not put into a queue: its lease ends when the process is gone, and
-- the mark 'stopped' tells the recovering process that this was no crash. HDEL first: works when Redis is full.
local inflight = KEYS[2]
redis.call('HDEL', inflight, '')
local back = 0
for i = 3, #ARGV, 2 do
  local field, k = ARGV[i], tonumber(ARGV[i + 1])
  local payload, shape = redis.call('HGET', inflight, field), redis.call('TYPE', KEYS[k]).ok
  -- Into a key of another type it could not get: it is left with the rest.
  if payload and (shape == 'list' or shape == 'none') then
    redis.call('HDEL', inflight, field)
    redis.call('RPUSH', KEYS[k], payload)
    if redis.call('LLEN', KEYS[k + 1]) == 0 then redis.call('LPUSH', KEYS[k + 1], '1') end
    back = back + 1
  end
end
local left = redis.call('HLEN', inflight)
if left == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
elseif redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  local time = redis.call('TIME')
  redis.call('HSET', inflight, 'stopped', '1')
  redis.call('ZADD', KEYS[1], 'XX', string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]), ARGV[1])
end
return {back, left}
