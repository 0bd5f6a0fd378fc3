-- cron_pause: nothing is enqueued for an entry any more.
--
-- KEYS  1 cron-due  2 cron:<name>
-- ARGV  1 name  2 by whom, when and why
-- Returns 1 when it went on until now, 0 when it was paused, -1 when there is no such entry.
--
-- Keeps: may be repeated; the note is the new one in any case. The first write is a ZREM, which a full Redis does not
-- refuse.
if redis.call('HEXISTS', KEYS[2], 'rev') == 0 then return -1 end
local was = redis.call('HEXISTS', KEYS[2], 'paused')
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], 'paused', ARGV[2])
return 1 - was
