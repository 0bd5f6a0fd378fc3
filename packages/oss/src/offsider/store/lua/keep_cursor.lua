-- keep_cursor: write down how far a resumable job is, while it is its owner's.
--
-- KEYS  1 owners  2 inflight:<owner>  3 it-<jid>
-- ARGV  1 owner  2 the job's field  3 s for which this is remembered  4 its payload from now on, '' to leave it
--       5.. names and values
-- Returns {1, when it was cancelled or false}; {0, false} when the job is not this owner's any more.
--
-- Keeps: fencing: who has lost its lease, or this job, changes nothing. Cursor and payload change together. The first
-- write grows: a full Redis refuses all of it, and the cursor before it stays.
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then return {0, false} end
if #ARGV > 4 then
  redis.call('HSET', KEYS[3], unpack(ARGV, 5))
  redis.call('EXPIRE', KEYS[3], ARGV[3])
end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], ARGV[2], ARGV[4]) end
return {1, redis.call('HGET', KEYS[3], 'cancelled')}
