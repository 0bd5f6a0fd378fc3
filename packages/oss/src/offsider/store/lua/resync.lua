-- resync: what an owner holds, asked after a request whose reply was lost.
--
-- KEYS  1 owners  2 inflight:<owner>
-- ARGV  1 owner
-- Returns {0} when the owner has lost its lease, else {1, field, payload, field, payload, ...}
--
-- Keeps: a job taken by a request whose reply was lost is run by its owner, not left until the lease ends.
-- Bounded: an owner holds at most its free slots and a little work in hand.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {0} end
local held = redis.call('HGETALL', KEYS[2])
table.insert(held, 1, 1)
return held
