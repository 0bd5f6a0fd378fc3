-- adopt: jobs in flight under an owner that has no lease: nobody would ever give them back.
--
-- KEYS  1 owners  2 inflight:<owner>
-- ARGV  1 owner  2 1 to put it right, 0 to look only
-- Returns how many entries it holds without a lease; 0 when all is well
--
-- Keeps: the owner gets a lease that has ended, so that any live worker gives its jobs back as it always does; the
-- mark 'stopped' says that this was no crash. An owner with a lease is left alone.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local held = redis.call('HLEN', KEYS[2])
if held > 0 and ARGV[2] == '1' then
  redis.call('HSET', KEYS[2], 'stopped', '1')
  redis.call('ZADD', KEYS[1], 'NX', '1', ARGV[1])
end
return held
