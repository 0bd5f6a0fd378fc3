-- tidy: forget listed processes that are gone.
--
-- KEYS  1 processes  2.. <process>, one for each argument
-- ARGV  the processes
-- Returns how many were forgotten.
--
-- Keeps: a process that beats in the meantime stays listed: whether its hash is there is asked in the same change.
-- The first write is SREM, which a full Redis does not refuse.
local gone = 0
for i = 1, #ARGV do
  if redis.call('EXISTS', KEYS[i + 1]) == 0 then gone = gone + redis.call('SREM', KEYS[1], ARGV[i]) end
end
return gone
