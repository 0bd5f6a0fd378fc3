-- cron_affirm: this process still declares these entries.
--
-- KEYS  1 cron-declared
-- ARGV  their names, at most 500
-- Returns how many were declared before, and are still there.
--
-- Keeps: may be repeated; brings back none that was deleted.
local found, now = 0, redis.call('TIME')[1]
for _, name in ipairs(ARGV) do
  if redis.call('ZSCORE', KEYS[1], name) then
    redis.call('ZADD', KEYS[1], now, name)
    found = found + 1
  end
end
return found
