-- remove: take one job out of its queue, byte for byte.
--
-- KEYS  1 queue:<name>
-- ARGV  1 from which end to look: 1 from the end that is pushed to, -1 from the end that is taken next  2 payload
-- Returns 1 when it was there, else 0.
--
-- Keeps: one of two, whoever takes at the same time. A list has no quick way to its middle: who calls this has found
-- the job by hand, and says which end is nearer. It is the first write, so that a full Redis can be emptied.
--+ effects.sift()
local removed = redis.call('LREM', KEYS[1], ARGV[1], ARGV[2])
--+ if removed == 1 then effects.moved(0) end
--+ effects.run()
return removed
