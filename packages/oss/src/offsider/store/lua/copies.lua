-- copies: in how many places a job lies, at one moment.
--
-- KEYS  1.. the key of each copy
-- ARGV  groups of three, one for each key: kind, field, payload; kinds: list, zset, hash
-- Returns for each group how often this payload lies there; of a list at most 2
--
-- Keeps: it only looks. A list is searched by Redis from its end that is taken next.
local found = {}
for i, key in ipairs(KEYS) do
  local kind, field, payload = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  if redis.call('TYPE', key)['ok'] ~= kind then
    found[i] = 0
  elseif kind == 'list' then
    found[i] = #redis.call('LPOS', key, payload, 'RANK', -1, 'COUNT', 2)
  elseif kind == 'zset' then
    found[i] = redis.call('ZSCORE', key, payload) and 1 or 0
  else
    found[i] = redis.call('HGET', key, field) == payload and 1 or 0
  end
end
return found
