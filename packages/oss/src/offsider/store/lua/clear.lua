-- clear: drop all of a queue or a set, as it is in this moment.
--
-- KEYS  1 queue:<name>, or a sorted set  2 queues  3 bell:<name>; 2 and 3 for a queue only
-- ARGV  1 name of the queue; empty for a set
-- Returns how many entries there were.
--
-- Keeps: what comes afterwards stays, and what is in flight is not touched. UNLINK costs the same however long it was:
-- the memory is freed beside the server's work. It is the first write, so that a full Redis can be emptied.
local shape = redis.call('TYPE', KEYS[1]).ok
local count = 0
if shape == 'list' then count = redis.call('LLEN', KEYS[1]) end
if shape == 'zset' then count = redis.call('ZCARD', KEYS[1]) end
if shape ~= 'none' and shape ~= 'list' and shape ~= 'zset' then
  return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' is a ' .. shape .. ', expected a list or a sorted set')
end
redis.call('UNLINK', KEYS[1])
if KEYS[2] then
  redis.call('UNLINK', KEYS[3])
  redis.call('SREM', KEYS[2], ARGV[1])
end
return count
