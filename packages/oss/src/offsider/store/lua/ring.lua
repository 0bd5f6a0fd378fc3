-- ring: ring the bells of queues that have jobs: somebody was woken who has no free slot.
--
-- KEYS  pairs: queue:<name>, bell:<name>
-- ARGV  none
-- Returns how many bells were rung.
--
-- Keeps: a lost ring costs latency only, and this one little of it. The first write is DEL, so that this works
-- when Redis is full.
local rung = 0
for k = 1, #KEYS, 2 do
  if redis.call('EXISTS', KEYS[k]) == 1 and redis.call('DEL', KEYS[k + 1]) >= 0 then
    redis.call('LPUSH', KEYS[k + 1], '1')
    rung = rung + 1
  end
end
return rung
