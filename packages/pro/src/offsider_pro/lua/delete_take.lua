-- delete_take: remove entries from a part of a queue, where they are still there.
--
-- KEYS  1 queue:<name>  2 deletions:<name>
-- ARGV  1 index to begin at, from the end that is pushed to  2 entries to look at
--       3 most entries to look at after these, while one is missing  4 bytes of these after which it looks at no more
--       5 s for which deletions are counted  6 a text that is no entry of any queue
--       then the entries, byte for byte, each once
-- Returns a list: for each entry, in their order, how often it was there and was removed.
--
-- Keeps: an entry is either in the queue or removed, whoever takes at the same time. What was pushed since it was found
-- has moved it away from here: it is followed, else whoever pushes fast enough could keep it from ever being removed.
-- The first write is EXPIRE, which a full Redis does not refuse, so that it can be emptied. A list has no quick way to
-- remove from its middle: the text takes the places of all of them first, so that one pass removes them.
local index, gone = tonumber(ARGV[1]), ARGV[6]
local ending = index + tonumber(ARGV[2])
local last, bytes = ending + tonumber(ARGV[3]), tonumber(ARGV[4])
local wanted, reply, missing = {}, {}, #ARGV - 6
for i = 7, #ARGV do
  wanted[ARGV[i]] = i - 6
  reply[i - 6] = 0
end
--+ effects.sift()
redis.call('EXPIRE', KEYS[2], ARGV[5])
local count, farthest, size = 0, 0, 0
while index < ending or (missing > 0 and index < last and size < bytes) do
  local after = index >= ending
  local step = after and 10 or math.min(100, ending - index)
  local entries = redis.call('LRANGE', KEYS[1], index, index + step - 1)
  for k, entry in ipairs(entries) do
    local which = wanted[entry]
    if after then size = size + #entry end
    if which then
      redis.call('LSET', KEYS[1], index + k - 1, gone)
      if reply[which] == 0 then missing = missing - 1 end
      reply[which] = reply[which] + 1
      count, farthest = count + 1, index + k
    end
  end
  if #entries < step then break end
  index = index + step
end
if count > 0 then
  local near = farthest <= redis.call('LLEN', KEYS[1]) / 2
  redis.call('LREM', KEYS[1], near and count or -count, gone)
  redis.call('INCRBY', KEYS[2], count)
  redis.call('EXPIRE', KEYS[2], ARGV[5])
end
--+ for which, times in ipairs(reply) do
--+   if times > 0 then effects.moved(which - 1) end
--+ end
--+ effects.run()
return reply
