-- due: the entries of sorted sets whose time has come, and when the next one of each is due.
--
-- KEYS  1 owners  2.. retry, schedule
-- ARGV  1 most entries to return of each
-- Returns {number of living owners, then for each set {ms until the next entry that is not returned (-1: none),
--       member, member, ...}}
--
-- Keeps: the server's clock decides. Reads only: the move is a script of its own, which decides anew.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local reply = {redis.call('ZCARD', KEYS[1])}
for k = 2, #KEYS do
  local due = redis.call('ZRANGEBYSCORE', KEYS[k], '-inf', string.format('%.6f', now), 'LIMIT', 0, ARGV[1])
  local next_ms = -1
  local head = redis.call('ZRANGE', KEYS[k], #due, #due, 'WITHSCORES')
  if head[2] then next_ms = math.max(0, math.ceil((head[2] - now) * 1000)) end
  table.insert(due, 1, next_ms)
  reply[k] = due
end
return reply
