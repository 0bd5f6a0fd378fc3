-- exchange: acknowledge what is settled and take as many jobs as there are free slots, in one change.
--
-- KEYS  1 owners  2 inflight:<owner>  3 retry  4 dead  5 schedule  6 quarantine  7 bell of the schedule
--       8.. pairs: queue:<name>, bell:<name>, in the order in which the queues are to be looked at
-- ARGV  1 owner  2 lease in ms  3 how many jobs to take  4 number of the first job taken
--       5 index of the first letter of a queue's name in its key
--       6 most entries of the dead set  7 oldest entry of the dead set in s
--       8 n, then n fields that are simply done
--       then groups of four, one per moved job: kind, field, delay in s (or the queue's index in KEYS), payload
--       kinds: retry, schedule, dead, quarantine, back (to the end of its queue that is taken next)
-- Returns {-1} when the owner has lost its lease, else
--       {number of jobs settled, index in KEYS, {payloads}, index in KEYS, {payloads}, ...}
--
-- Keeps: a job leaves the in-flight hash only together with its next place; what an owner no longer holds is
-- not moved (fencing); a repeated request changes nothing twice. The first write is HDEL or RPOP, which a full
-- Redis still accepts, so a full Redis drains.
local owner, inflight = ARGV[1], KEYS[2]
if not redis.call('ZSCORE', KEYS[1], owner) then return {-1} end

local done = tonumber(ARGV[8])
-- Looked at before anything is written: a script that stops halfway is not rolled back.
local sets, looked = {retry = KEYS[3], dead = KEYS[4], schedule = KEYS[5], quarantine = KEYS[6]}, {}
for i = 9 + done, #ARGV, 4 do
  local kind, number = ARGV[i], tonumber(ARGV[i + 2])
  local place, expected = sets[kind] or KEYS[number], sets[kind] and 'zset' or 'list'
  if not looked[place] then
    local shape = redis.call('TYPE', place).ok
    if shape ~= expected and shape ~= 'none' then
      return redis.error_reply('WRONGTYPE ' .. place .. ' is a ' .. shape .. ', expected a ' .. expected)
    end
    looked[place] = true
  end
  if (kind == 'retry' or kind == 'schedule') and not (number and number >= 0 and number < 1e11) then
    return redis.error_reply('ERR the delay of a ' .. kind .. ' is ' .. ARGV[i + 2] .. ', expected 0 or more seconds')
  end
end

--+ effects.sift()
--+ effects.look(inflight)
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local settled = 0
if done > 0 then settled = redis.call('HDEL', inflight, unpack(ARGV, 9, 8 + done)) end

local function ring(bell)
  if redis.call('LLEN', bell) == 0 then redis.call('LPUSH', bell, '1') end
end

-- A microsecond apart, so that those which are to wait as long keep their order.
local function later(set, delay, payload)
  redis.call('ZADD', set, string.format('%.6f', now + delay + settled / 1000000), payload)
  if redis.call('ZRANGE', set, 0, 0)[1] == payload then ring(KEYS[7]) end
end

local died = false
for i = 9 + done, #ARGV, 4 do
  local kind, field, number, payload = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3]
  if kind == 'back' then payload = redis.call('HGET', inflight, field) end
  if redis.call('HDEL', inflight, field) == 1 then
    settled = settled + 1
    if kind == 'retry' then later(KEYS[3], number, payload)
    elseif kind == 'schedule' then later(KEYS[5], number, payload)
    elseif kind == 'back' then
      redis.call('RPUSH', KEYS[number], payload)
      ring(KEYS[number + 1])
    else
      local set = kind == 'dead' and KEYS[4] or KEYS[6]
      redis.call('ZADD', set, string.format('%.6f', now), payload)
      died = true
    end
  end
end
if died then
  for k = 4, 6, 2 do
    redis.call('ZREMRANGEBYSCORE', KEYS[k], '-inf', now - ARGV[7])
    redis.call('ZREMRANGEBYRANK', KEYS[k], 0, -(ARGV[6] + 1))
  end
end

--+ effects.run()
local want, number, first = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local reply = {settled}

local function take(k)
  -- A key that is no list is somebody's mistake; the other queues go on.
  local taken = redis.pcall('RPOP', KEYS[k], want)
  if not taken or taken.err then return end
  local count = #taken
  local suffix = ':' .. string.sub(KEYS[k], first)
  local pairs_ = {}
  for j = 1, count do
    pairs_[2 * j - 1] = string.format('%d', number) .. suffix
    pairs_[2 * j] = taken[j]
    number = number + 1
  end
  redis.call('HSET', inflight, unpack(pairs_))
  want = want - count
  reply[#reply + 1] = k
  reply[#reply + 1] = taken
  -- Who takes the last free slot's worth and leaves jobs behind wakes the next sleeper.
  if want == 0 and redis.call('EXISTS', KEYS[k]) == 1 then ring(KEYS[k + 1]) end
end

-- Of many queues most are empty: one question finds out for a block of them.
local function is_empty(from, to)
  if to - from < 8 then return false end
  local block = {}
  for k = from, to, 2 do block[#block + 1] = KEYS[k] end
  return redis.call('EXISTS', unpack(block)) == 0
end

for from = 8, #KEYS, 64 do
  if want <= 0 then break end
  local to = math.min(from + 62, #KEYS - 1)
  if not is_empty(from, to) then
    for k = from, to, 2 do
      if want <= 0 then break end
      take(k)
    end
  end
end

redis.call('ZADD', KEYS[1], 'XX', string.format('%d', now * 1000 + ARGV[2]), owner)
return reply
