-- cron_pass: go on with an entry without enqueuing a job: instants are passed over, or no job came of them.
--
-- KEYS  1 cron-due  2 cron:<name>  3 cron-runs:<name>
-- ARGV  1 name  2 revision  3 the instant that it is due for  4 the next one, s since 1970  5 the instant of the note
--       6 note, or ''  7 how many notes are kept
-- Returns 1 when it was done, 0 when somebody else has gone on, or the entry is another one now.
--
-- Keeps: may be repeated. Only who has seen the entry as it is goes on with it. What cannot be noted is not done: the
-- first write is the one that may be refused.
local rev, paused = unpack(redis.call('HMGET', KEYS[2], 'rev', 'paused'))
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if rev ~= ARGV[2] or paused or not due or tonumber(due) ~= tonumber(ARGV[3]) then return 0 end

if ARGV[6] ~= '' then
  redis.call('ZADD', KEYS[3], ARGV[5], ARGV[6])
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[7])
end
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1])
return 1
