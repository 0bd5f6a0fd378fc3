-- forget_cursors: delete what is remembered of resumable jobs whose end is acknowledged.
--
-- KEYS  1 owners  2 inflight:<owner>  3.. it-<jid>, one a job
-- ARGV  1 owner  2.. the jobs' fields, in the same order
-- Returns a list with 1 for each job that is settled, 0 for each that is still in flight; empty when the owner has lost
--       its lease.
--
-- Keeps: a job that may run again keeps its cursor: as long as it is in flight, and when others may have taken it. The
-- first write is UNLINK, which a full Redis accepts.
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
local time = redis.call('TIME')
if not lease or tonumber(lease) <= time[1] * 1000 + math.floor(time[2] / 1000) then return {} end
local settled = {}
for k = 2, #ARGV do
  settled[k - 1] = 1 - redis.call('HEXISTS', KEYS[2], ARGV[k])
  if settled[k - 1] == 1 then redis.call('UNLINK', KEYS[k + 1]) end
end
return settled
