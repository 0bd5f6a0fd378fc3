-- leader_leave: end a term before its time, and wake whoever is to lead next.
--
-- KEYS  1 leader  2 dear-leader  3 bell-leader
-- ARGV  1 identity of the process  2 number of its term
-- Returns 1 when it led until now, else 0.
--
-- Keeps: may be repeated; ends no term of another process. The number stays, so that the next one is higher. The first
-- write is a HDEL, which a full Redis does not refuse.
local found = redis.call('HMGET', KEYS[1], 'holder', 'number')
if found[1] ~= ARGV[1] or found[2] ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], 'holder', 'until', 'lease', 'since')
redis.call('UNLINK', KEYS[2])
if redis.call('LLEN', KEYS[3]) == 0 then redis.call('LPUSH', KEYS[3], '1') end
return 1
