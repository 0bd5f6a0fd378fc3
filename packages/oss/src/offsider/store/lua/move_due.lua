-- move_due: due entries into their queues, each exactly once, whoever gets there.
--
-- KEYS  1 retry or schedule  2 queues  3 quarantine  4.. pairs: queue:<name>, bell:<name>
-- ARGV  groups of three: member, index of its queue in KEYS (0: to quarantine), payload
-- Returns the number of entries moved.
--
-- Keeps: ZREM decides who moves an entry, in the same change in which it gets its next place; ZREM is also the
-- first write, so that a full Redis drains.
local moved, named = 0, {}
for i = 1, #ARGV, 3 do
  local k = tonumber(ARGV[i + 1])
  if redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
    moved = moved + 1
    if k == 0 then
      redis.call('ZADD', KEYS[3], redis.call('TIME')[1], ARGV[i + 2])
    else
      redis.call('LPUSH', KEYS[k], ARGV[i + 2])
      named[k] = true
    end
  end
end
for k in pairs(named) do
  redis.call('SADD', KEYS[2], (string.match(KEYS[k], 'queue:(.+)$')))
  if redis.call('LLEN', KEYS[k + 1]) == 0 then redis.call('LPUSH', KEYS[k + 1], '1') end
end
return moved
