-- move_due: due entries into their queues, each exactly once, whoever gets there.
--
-- KEYS  1 retry or schedule  2 queues  3 quarantine  4.. pairs: queue:<name>, bell:<name>
-- ARGV  1 index of the first letter of a queue's name in its key
--       2 for how many seconds to put off an entry that has to stay; 0: it stays as it is
--       then groups of three: member, index of its queue in KEYS (0: to quarantine), payload
-- Returns the number of entries moved; an error when some stay, because their next place is of another type.
--
-- Keeps: only what is due now moves, also when it was given another time since it was read. ZREM decides who moves an
-- entry, in the same change in which it gets its next place; ZREM is also the first write, so that a full Redis drains.
-- What has to stay is put off by the last writes, in its own set: the entries behind it are not held up.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local moved, named = 0, {}

-- Looked at before an entry leaves: one that can get nowhere stays where it is, and the others go on.
local places, odd = {}, nil
local function is_open(k)
  if places[k] == nil then
    local key, expected = KEYS[3], 'zset'
    if k > 0 then key, expected = KEYS[k], 'list' end
    local shape = redis.call('TYPE', key).ok
    places[k] = shape == expected or shape == 'none'
    if not places[k] then odd = 'WRONGTYPE ' .. key .. ' is a ' .. shape .. ', expected a ' .. expected end
  end
  return places[k]
end

local staying = {}
for i = 3, #ARGV, 3 do
  local k = tonumber(ARGV[i + 1])
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) <= now and not is_open(k) then
    staying[#staying + 1] = ARGV[i]
  elseif score and tonumber(score) <= now and redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
    moved = moved + 1
    if k == 0 then
      redis.call('ZADD', KEYS[3], string.format('%.6f', now), ARGV[i + 2])
    else
      redis.call('LPUSH', KEYS[k], ARGV[i + 2])
      named[k] = true
    end
  end
end
for k in pairs(named) do
  redis.call('SADD', KEYS[2], string.sub(KEYS[k], ARGV[1]))
  if redis.call('LLEN', KEYS[k + 1]) == 0 then redis.call('LPUSH', KEYS[k + 1], '1') end
end
if tonumber(ARGV[2]) > 0 then
  for _, member in ipairs(staying) do redis.call('ZADD', KEYS[1], 'XX', string.format('%.6f', now + ARGV[2]), member) end
end
if odd then return redis.error_reply(odd) end
return moved
