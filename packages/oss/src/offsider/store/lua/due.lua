-- due: the entries of a sorted set whose time has come, and when the next one is due.
--
-- KEYS  1 retry or schedule  2 owners
-- ARGV  1 most entries to return
-- Returns {ms until the next entry that is not returned (-1: none), number of living owners, member, member, ...}
--
-- Keeps: the server's clock decides. Reads only: the move is a script of its own, which decides anew.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.6f', now), 'LIMIT', 0, ARGV[1])
local next_ms = -1
local head = redis.call('ZRANGE', KEYS[1], #due, #due, 'WITHSCORES')
if head[2] then next_ms = math.max(0, math.ceil((head[2] - now) * 1000)) end
table.insert(due, 1, redis.call('ZCARD', KEYS[2]))
table.insert(due, 1, next_ms)
return due
