-- act: what somebody does by hand to entries of a sorted set: schedule, retry, dead or quarantine.
--
-- KEYS  1 the set  2 dead  3 queues  4 bell of the schedule  5.. pairs: queue:<name>, bell:<name>
-- ARGV  1 index of the first letter of a queue's name in its key
--       2 most entries of the dead set  3 oldest entry of the dead set in s
--       then groups of four, one an entry: kind, member, number, payload
--       kinds: queue (number: index of the queue in KEYS; payload: what gets there), dead (payload: what gets there),
--       delete, at (number: when it is due, in s)
-- Returns a list: for each entry 1 when it was there and this was done, else 0.
--
-- Keeps: an entry is found by all of its bytes, and ZREM decides who moves it, in the same change in which it gets its
-- next place: nothing happens twice, whoever acts at the same time or repeats a request, and nothing is lost between.
-- ZREM is the first write, so that a full Redis can be emptied. Who reschedules changes the time of the same entry.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local reply, named, died, due = {}, {}, false, false

-- Looked at before anything is written: a script that stops halfway is not rolled back.
local needed = {}
for i = 4, #ARGV, 4 do
  local kind, number = ARGV[i], tonumber(ARGV[i + 2])
  if kind == 'dead' then
    needed[KEYS[2]] = 'zset'
  elseif kind == 'queue' then
    needed[KEYS[3]], needed[KEYS[number]], needed[KEYS[number + 1]] = 'set', 'list', 'list'
  elseif kind == 'at' and not (number and number >= 0 and number < 1e11) then
    return redis.error_reply('ERR the time is ' .. ARGV[i + 2] .. ', expected seconds since 1970')
  end
end
for key, expected in pairs(needed) do
  local shape = redis.call('TYPE', key).ok
  if shape ~= expected and shape ~= 'none' then
    return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. shape .. ', expected a ' .. expected)
  end
end

--+ effects.sift()
for i = 4, #ARGV, 4 do
  local kind, member, number, payload = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3]
  local done = 0
  if kind == 'at' then
    if redis.call('ZSCORE', KEYS[1], member) then
      redis.call('ZADD', KEYS[1], 'XX', ARGV[i + 2], member)
      done, due = 1, due or redis.call('ZRANK', KEYS[1], member) == 0
    end
  else
    done = redis.call('ZREM', KEYS[1], member)
    if done == 1 and kind == 'queue' then
      redis.call('LPUSH', KEYS[number], payload)
      named[number] = true
    elseif done == 1 and kind == 'dead' then
      redis.call('ZADD', KEYS[2], string.format('%.6f', now), payload)
      died = true
    end
  end
  --+ if done == 1 then effects.moved((i - 4) / 4) end
  reply[#reply + 1] = done
end

for k in pairs(named) do
  redis.call('SADD', KEYS[3], string.sub(KEYS[k], ARGV[1]))
  if redis.call('LLEN', KEYS[k + 1]) == 0 then redis.call('LPUSH', KEYS[k + 1], '1') end
end
if died then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -(ARGV[2] + 1))
end
--+ effects.run()
if due and redis.call('LLEN', KEYS[4]) == 0 then redis.call('LPUSH', KEYS[4], '1') end
return reply
