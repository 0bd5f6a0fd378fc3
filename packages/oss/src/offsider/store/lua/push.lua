-- push: put jobs into their queues and the schedule, once, however often the request is repeated.
--
-- KEYS  1 lane:<id>  2 queues  3 schedule  4 bell of the schedule  5.. pairs: queue:<name>, bell:<name>
-- ARGV  1 number of this push in its lane  2 s for which the lane is remembered
--       3 index of the first letter of a queue's name in its key
--       then groups of two, one a job: index of the queue in KEYS and payload, or '@' .. due time in s and payload
-- Returns 1 when the jobs were put, 0 when this push was done before.
--
-- Keeps: a push that is repeated after a lost reply puts nothing twice: the lane remembers its last number. The
-- first write is a growing one, so that a full Redis refuses the whole push and nothing of it was done.
local last = redis.call('GET', KEYS[1])
if last and tonumber(last) >= tonumber(ARGV[1]) then return 0 end

local lists, earliest = {}, nil
for i = 4, #ARGV, 2 do
  local place, payload = ARGV[i], ARGV[i + 1]
  if string.byte(place) == 64 then
    local due = string.sub(place, 2)
    redis.call('ZADD', KEYS[3], due, payload)
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
end
for k, list in pairs(lists) do
  redis.call('LPUSH', KEYS[k], unpack(list))
  redis.call('SADD', KEYS[2], string.sub(KEYS[k], ARGV[3]))
  if redis.call('LLEN', KEYS[k + 1]) == 0 then redis.call('LPUSH', KEYS[k + 1], '1') end
end
if earliest then
  local head = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  if tonumber(head[2]) >= earliest and redis.call('LLEN', KEYS[4]) == 0 then redis.call('LPUSH', KEYS[4], '1') end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
