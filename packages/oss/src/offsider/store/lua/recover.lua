-- recover: give the jobs of a dead owner back, if it is still dead.
--
-- KEYS  1 owners  2 inflight:<owner>  3 dead  4 quarantine  5 queues
--       6.. pairs: queue:<name>, bell:<name>
-- ARGV  1 owner  2 most entries of the dead set  3 oldest entry of the dead set in s
--       then groups of four: kind, field, index of the queue in KEYS, payload; kinds: queue, dead, quarantine
-- Returns {number of jobs moved, 1 when the owner is gone for good, then the fields of those that are among the dead
--       now}; {-1, 0} when it lives again.
--
-- Keeps: compare-and-set: an owner that renewed its lease in the meantime keeps its jobs; each job moves once
-- (HDEL decides); the first write is HDEL, so that recovery works when Redis is full. A recovered job goes to
-- the end that is taken next: it has waited long enough.
local owner, inflight = ARGV[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local lease = redis.call('ZSCORE', KEYS[1], owner)
if not lease or tonumber(lease) > now * 1000 then return {-1, 0} end

--+ effects.sift()
-- Looked at before a job leaves: one that can get nowhere stays here, where doctor and fsck see it.
local function is_open(key, expected)
  local shape = redis.call('TYPE', key).ok
  return shape == expected or shape == 'none'
end

local places = {dead = KEYS[3], quarantine = KEYS[4]}
local moved, died = 0, {}
for i = 4, #ARGV, 4 do
  local kind, field, k, payload = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3]
  local open = is_open(places[kind] or KEYS[k], places[kind] and 'zset' or 'list')
  if open and redis.call('HDEL', inflight, field) == 1 then
    moved = moved + 1
    --+ effects.moved(field)
    if kind == 'queue' then
      redis.call('RPUSH', KEYS[k], payload)
      redis.call('SADD', KEYS[5], string.match(field, '^%d+:(.+)$'))
      if redis.call('LLEN', KEYS[k + 1]) == 0 then redis.call('LPUSH', KEYS[k + 1], '1') end
    else
      local set = places[kind]
      if kind == 'dead' then died[#died + 1] = field end
      redis.call('ZADD', set, string.format('%.6f', now), payload)
      redis.call('ZREMRANGEBYSCORE', set, '-inf', now - ARGV[3])
      redis.call('ZREMRANGEBYRANK', set, 0, -(ARGV[2] + 1))
    end
  end
end
--+ effects.run()
redis.call('HDEL', inflight, 'stopped')
local gone = redis.call('HLEN', inflight) == 0 and 1 or 0
if gone == 1 then redis.call('ZREM', KEYS[1], owner) end
return {moved, gone, unpack(died)}
