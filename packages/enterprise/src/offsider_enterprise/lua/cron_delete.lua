-- cron_delete: forget an entry, with its history.
--
-- KEYS  1 cron-names  2 cron-due  3 cron-declared  4 cron:<name>  5 cron-runs:<name>
-- ARGV  1 name  2 s: one that was declared within them is kept; 0 for whichever
-- Returns 1 when it was there, 0 when not, -1 when it is still declared.
--
-- Keeps: may be repeated. What a running process declares comes back at its next start, so it is refused. The first
-- write is a ZREM, which a full Redis does not refuse.
local declared = redis.call('ZSCORE', KEYS[3], ARGV[1])
if declared and tonumber(declared) > redis.call('TIME')[1] - ARGV[2] then return -1 end
local was = redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('UNLINK', KEYS[4], KEYS[5])
return was
