-- encryption_swap_set: put jobs that were encrypted anew into the places of the old ones, in a sorted set.
--
-- KEYS  1 the set: schedule, retry or dead
-- ARGV  pairs: an entry, byte for byte; what takes its place
-- Returns a list: for each pair 1 when the entry was there and was replaced, else 0.
--
-- Keeps: a job is in the set once, before and after: an entry is found by all of its bytes, and gets its time. Whoever
-- has moved it meanwhile, or has replaced it, has won. ZADD comes first, which a full Redis refuses before anything is
-- changed.
local shape = redis.call('TYPE', KEYS[1]).ok
if shape ~= 'zset' and shape ~= 'none' then
  return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' is a ' .. shape .. ', expected a zset')
end
local reply = {}
for i = 1, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score then
    redis.call('ZADD', KEYS[1], score, ARGV[i + 1])
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
  reply[#reply + 1] = score and 1 or 0
end
return reply
