-- cron_read: all that is known of some entries.
--
-- KEYS  1 cron-due  2 cron-declared  then pairs: cron:<name>, cron-runs:<name>
-- ARGV  their names, at most 500
-- Returns {seconds of the server's clock, then for each: definition or false, revision, source, note of its pause or
--          false, when it is due or false, when it was last declared or false, last run or false}.
--
-- Keeps: only looks; one moment for all of them. A key of another type is as one that is not there.
local found = {tonumber(redis.call('TIME')[1])}
for i, name in ipairs(ARGV) do
  local entry, runs = KEYS[1 + 2 * i], KEYS[2 + 2 * i]
  local kept = redis.pcall('HMGET', entry, 'def', 'rev', 'source', 'paused')
  local last = redis.pcall('ZRANGE', runs, -1, -1)
  for k = 1, 4 do found[#found + 1] = kept[k] or false end
  found[#found + 1] = redis.call('ZSCORE', KEYS[1], name) or false
  found[#found + 1] = redis.call('ZSCORE', KEYS[2], name) or false
  found[#found + 1] = last[1] or false
end
return found
