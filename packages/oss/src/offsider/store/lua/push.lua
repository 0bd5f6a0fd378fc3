-- push: put jobs into their queues and the schedule, once, however often the request is repeated.
--
-- KEYS  1 lane:<id>  2 queues  3 schedule  4 bell of the schedule  5.. pairs: queue:<name>, bell:<name>
-- ARGV  1 number of this push in its lane  2 s for which the lane is remembered
--       3 index of the first letter of a queue's name in its key; behind a + to look at what is met before writing
--       then groups of two, one a job: index of the queue in KEYS and payload, or '@' .. due time in s and payload
-- Returns 1 when the jobs were put, 0 when this push was done before.
--
-- Lines that begin with --+ are code only in a push with calls of effects (composer.lua), which returns a list.
--
-- Keeps: a push that is repeated after a lost reply puts nothing twice: the lane remembers its last number, also
-- when an older request comes late. The first write is a growing one, so that a full Redis refuses the whole push.
--        The first push of a lane, and with it each one under a name, looks at what it meets before it writes, and so
--        does each that asks for it: a push that stopped halfway would be remembered as done.
local keys, words, call = KEYS, ARGV, redis.call
if words[1] == '1' or string.byte(words[3]) == 43 then
  local expected = {[2] = 'set', [3] = 'zset'}
  for k = 2, #keys do
    local shape, wanted = call('TYPE', keys[k]).ok, expected[k] or 'list'
    if shape ~= 'none' and shape ~= wanted then
      return redis.error_reply('WRONGTYPE ' .. keys[k] .. ' is a ' .. shape .. ', expected a ' .. wanted)
    end
  end
end
--+ local wrong = effects.check()
--+ if wrong then return wrong end
local last = call('SET', keys[1], words[1], 'EX', words[2], 'GET')
if last and tonumber(last) >= tonumber(words[1]) then
  call('SET', keys[1], last, 'EX', words[2])
  --+ if last == words[1] then return effects.told(last) end
  return 0
end

local lists, earliest = {}, nil
for i = 4, #words, 2 do
  local place, payload = words[i], words[i + 1]
  --+ if effects.admit((i - 4) / 2, place, payload) then
  if string.byte(place) == 64 then
    local due = string.sub(place, 2)
    call('ZADD', keys[3], due, payload)
    if not earliest or tonumber(due) < earliest then earliest = tonumber(due) end
  else
    local k = tonumber(place)
    local list = lists[k]
    if not list then
      list = {}
      lists[k] = list
    end
    list[#list + 1] = payload
  end
  --+ end
end
for k, list in pairs(lists) do
  call('LPUSH', keys[k], unpack(list))
  call('SADD', keys[2], string.sub(keys[k], words[3]))
  if call('LLEN', keys[k + 1]) == 0 then call('LPUSH', keys[k + 1], '1') end
end
if earliest then
  local head = call('ZRANGE', keys[3], 0, 0, 'WITHSCORES')
  if tonumber(head[2]) >= earliest and call('LLEN', keys[4]) == 0 then call('LPUSH', keys[4], '1') end
end
--+ do return effects.answer(words[1], words[2]) end
return 1
