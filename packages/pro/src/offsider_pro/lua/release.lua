-- release: jobs that were held are due soon, one a microsecond after the other.
--
-- KEYS  1 schedule  2 bell of the schedule
-- ARGV  1 when, s since 1970  2 how many were released before these  3.. members of the schedule, in their order
-- Returns how many were still there.
--
-- Keeps: a member that is gone stays gone. None is due before the workers know that it may run: all steps of one
-- release have the same time, which was read after the pause had ended.
local soon = tonumber(ARGV[1]) + tonumber(ARGV[2]) / 1000000
local released = 0
for i = 3, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('ZADD', KEYS[1], 'XX', string.format('%.6f', soon + (i - 2) / 1000000), ARGV[i])
    released = released + 1
  end
end
if released > 0 and redis.call('LLEN', KEYS[2]) == 0 then redis.call('LPUSH', KEYS[2], '1') end
return released
