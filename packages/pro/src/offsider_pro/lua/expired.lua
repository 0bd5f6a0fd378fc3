-- expired: note jobs that have expired, and count them.
--
-- KEYS  1 expired  2 stat:expired  3 stat:expired:<day>
-- ARGV  1 how many  2 most notes that are kept  3 s for which the count of a day is kept
--       then groups of two, one a note: when it expired in ms, note
-- Returns how many notes there are now.
--
-- Keeps: bounded, the oldest go first. Statistics only: a request whose reply was lost may count twice.
if #ARGV > 3 then
  local notes = {}
  for i = 4, #ARGV do notes[#notes + 1] = ARGV[i] end
  redis.call('ZADD', KEYS[1], unpack(notes))
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[2]))
end
redis.call('INCRBY', KEYS[2], ARGV[1])
redis.call('INCRBY', KEYS[3], ARGV[1])
redis.call('EXPIRE', KEYS[3], ARGV[3])
return redis.call('ZCARD', KEYS[1])
