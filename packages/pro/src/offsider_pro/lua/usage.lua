-- usage: add up what measured runs have cost.
--
-- KEYS  1 usage:<hour>
-- ARGV  1 s for which the hour is kept
--       then groups of two: field, by how much (may be less than nothing)
-- Returns how many fields were added to.
--
-- Keeps: bounded by its caller. Statistics only: a request whose reply was lost may count twice.
for i = 2, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return (#ARGV - 1) / 2
