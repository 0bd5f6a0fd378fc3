-- look: what lies under some keys, all at one moment.
--
-- KEYS  1.. any keys
-- ARGV  none
-- Returns for each key three: its type, how many seconds it lives (-1 for ever, -2 it is not there), its size
--
-- Keeps: it only looks. Sizes are counted by Redis, nothing is read.
local sizes = {list = 'LLEN', set = 'SCARD', zset = 'ZCARD', hash = 'HLEN', string = 'STRLEN'}
local found = {}
for _, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key)['ok']
  found[#found + 1] = kind
  found[#found + 1] = redis.call('TTL', key)
  found[#found + 1] = sizes[kind] and redis.call(sizes[kind], key) or 0
end
return found
