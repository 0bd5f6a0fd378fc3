-- pause: nothing is taken from a queue any more.
--
-- KEYS  1 paused  2 pauses
-- ARGV  1 name of the queue  2 by whom, when and why
-- Returns 1 when it was not paused before, else 0; the note is the new one in any case.
--
-- Keeps: may be repeated. The set is the one that Sidekiq reads, and decides; the note only tells.
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return redis.call('SADD', KEYS[1], ARGV[1])
