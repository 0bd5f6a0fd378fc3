-- count: add to counters, once, however often the request is repeated.
--
-- KEYS  1 flush:<process>  2.. counters
-- ARGV  1 number of this request of the process  2 s for which it is remembered
--       then groups: index of the key in KEYS, s until it expires (0: never),
--       'i' (an integer), 'h' (fields of a hash) or 'b' (16-bit counters that stay at their limit), n, n pairs:
--       nothing, the field or the counter's index, and how much
-- Returns 1 when it was counted, 0 when this request was done before.
--
-- Keeps: what was counted and whose reply was lost is not counted again. The first write is a growing one, so that a
-- full Redis refuses the whole request.
local last = redis.call('GET', KEYS[1])
if last and tonumber(last) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])

local i = 3
while i < #ARGV do
  local key, expiry, kind = KEYS[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2]
  local first, last = i + 4, i + 3 + 2 * tonumber(ARGV[i + 3])
  for j = first, last, 2 do
    if kind == 'h' then
      redis.call('HINCRBY', key, ARGV[j], ARGV[j + 1])
    elseif kind == 'b' then
      redis.call('BITFIELD', key, 'OVERFLOW', 'SAT', 'INCRBY', 'u16', '#' .. ARGV[j], ARGV[j + 1])
    else
      redis.call('INCRBY', key, ARGV[j + 1])
    end
  end
  if expiry ~= '0' then redis.call('EXPIRE', key, expiry) end
  i = last + 1
end
return 1
