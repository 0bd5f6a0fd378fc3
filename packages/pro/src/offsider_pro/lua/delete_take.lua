-- delete_take: remove entries from a part of a queue, where they are still there.
--
-- KEYS  1 queue:<name>  2 deletions:<name>
-- ARGV  1 index to begin at, from the end that is pushed to  2 most entries to look at
--       3 s for which deletions are counted  4 a text that is no entry of any queue
--       then the entries, byte for byte
-- Returns a list: for each entry, in their order, how often it was there and was removed.
--
-- Keeps: an entry is either in the queue or removed, whoever takes at the same time. The first write is EXPIRE, which a
-- full Redis does not refuse, so that it can be emptied. A list has no quick way to remove from its middle: the text
-- takes the places of all of them first, so that one pass removes them.
local first, most, gone = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[4]
local wanted, reply = {}, {}
for i = 5, #ARGV do
  wanted[ARGV[i]] = i - 4
  reply[i - 4] = 0
end
redis.call('EXPIRE', KEYS[2], ARGV[3])
local count, farthest = 0, 0
for index = first, first + most - 1, 100 do
  local entries = redis.call('LRANGE', KEYS[1], index, math.min(index + 99, first + most - 1))
  for k, entry in ipairs(entries) do
    if wanted[entry] then
      redis.call('LSET', KEYS[1], index + k - 1, gone)
      reply[wanted[entry]] = reply[wanted[entry]] + 1
      count, farthest = count + 1, index + k
    end
  end
  if #entries < 100 then break end
end
if count > 0 then
  local near = farthest <= redis.call('LLEN', KEYS[1]) / 2
  redis.call('LREM', KEYS[1], near and count or -count, gone)
  redis.call('INCRBY', KEYS[2], count)
  redis.call('EXPIRE', KEYS[2], ARGV[3])
end
return reply
