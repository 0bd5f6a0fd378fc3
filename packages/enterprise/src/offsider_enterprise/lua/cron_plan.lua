-- cron_plan: put an entry to the instant that its fields say, when a clock that was set back has left it further ahead.
--
-- KEYS  1 cron-due  2 cron:<name>  3 cron-runs:<name>
-- ARGV  1 name  2 revision  3 the instant that it is due for now  then instants that it could be due for, ascending
-- Returns the instant, or '' when nothing was changed.
--
-- Keeps: an instant for which there was a run is never due again; nor is one from before the oldest run that is kept.
local rev, paused = unpack(redis.call('HMGET', KEYS[2], 'rev', 'paused'))
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if rev ~= ARGV[2] or paused or not due or tonumber(due) ~= tonumber(ARGV[3]) then return '' end

local oldest = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]
for i = 4, #ARGV do
  local instant = tonumber(ARGV[i])
  if instant >= tonumber(due) then return '' end
  local known = oldest and instant < tonumber(oldest)
  if not known and #redis.call('ZRANGEBYSCORE', KEYS[3], ARGV[i], ARGV[i], 'LIMIT', 0, 1) == 0 then
    redis.call('ZADD', KEYS[1], ARGV[i], ARGV[1])
    return ARGV[i]
  end
end
return ''
