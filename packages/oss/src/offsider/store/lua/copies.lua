-- copies: in which places a job lies, at one moment.
--
-- KEYS  1.. the key of each copy that was met
-- ARGV  groups of three, one for each key: kind, field, payload; kinds: list, zset, hash
--       the field of a list is distance:window: how many are taken before it, and how far around to look
-- Returns for each group where this payload lies: distances in a list, {0} or {} elsewhere
--
-- Keeps: it only looks. A list is not searched as a whole: a job that has moved further than the window is on its way.
local function near(key, field, payload)
  local distance, window = string.match(field, '^(%d+):(%d+)$')
  local low, high = math.max(0, distance - window), distance + window
  local page, found = redis.call('LRANGE', key, -high - 1, -low - 1), {}
  for i = #page, 1, -1 do
    if page[i] == payload then found[#found + 1] = low + #page - i end
  end
  return found
end

local places = {}
for i, key in ipairs(KEYS) do
  local kind, field, payload = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  local is_there = false
  if redis.call('TYPE', key)['ok'] ~= kind then
    places[i] = {}
  elseif kind == 'list' then
    places[i] = near(key, field, payload)
  else
    if kind == 'zset' then
      is_there = redis.call('ZSCORE', key, payload)
    else
      is_there = redis.call('HGET', key, field) == payload
    end
    places[i] = is_there and {0} or {}
  end
end
return places
