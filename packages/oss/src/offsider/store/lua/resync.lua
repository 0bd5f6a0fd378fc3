-- resync: after a request whose reply was lost: go on under another name, and tell what is held.
--
-- KEYS  1 owners  2 inflight:<old owner>  3 inflight:<new owner>
-- ARGV  1 old owner  2 new owner  3 lease in ms
-- Returns {0} when the old owner has lost its lease, else {1, field, payload, field, payload, ...}
--
-- Keeps: a job taken by a request whose reply was lost is run by its owner, not left until the lease ends. The lost
-- request may still be on its way: under the old name it finds no owner, takes nothing and settles nothing. May be
-- repeated. Bounded: an owner holds at most its free slots and a little work in hand. The first write is ZREM, so
-- that this works when Redis is full.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  local time = redis.call('TIME')
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('ZADD', KEYS[1], string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]), ARGV[2])
  if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[3]) end
elseif not redis.call('ZSCORE', KEYS[1], ARGV[2]) then
  return {0}
end
local held = redis.call('HGETALL', KEYS[3])
table.insert(held, 1, 1)
return held
