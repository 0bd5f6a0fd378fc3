-- keep_results: what finished jobs have returned, before they are acknowledged.
--
-- KEYS  1 inflight:<owner>  2.. result:<jid>, one for each group
-- ARGV  groups of three: field, s for which it is kept, result
-- Returns how many were kept.
--
-- Keeps: only who holds a job may say what it returned (fencing). Repeated, it writes the same again. A result is a
-- list of one element, so that somebody can wait for it without asking again and again. The first write is a growing
-- one: a full Redis refuses them all, and the jobs are acknowledged without.
local kept = 0
for i = 1, #ARGV, 3 do
  local key = KEYS[2 + (i - 1) / 3]
  if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1 then
    redis.call('RPUSH', key, ARGV[i + 2])
    redis.call('LTRIM', key, -1, -1)
    redis.call('EXPIRE', key, ARGV[i + 1])
    kept = kept + 1
  end
end
return kept
