-- encryption_swap_queue: put jobs that were encrypted anew into the places of the old ones, in a part of a queue.
--
-- KEYS  1 queue:<name>
-- ARGV  1 index to begin at, from the end that is pushed to  2 entries to look at
--       then pairs: an entry, byte for byte; what takes its place
-- Returns a list: for each pair how often the entry was there and was replaced.
--
-- Keeps: a job keeps its place in the queue: an entry is found by all of its bytes, and changed in the same step. What
-- was pushed since it was read has moved it away from here; who goes on behind this part meets it again. What was taken
-- is not there any more. LSET is refused by a full Redis before anything is changed.
local wanted, reply = {}, {}
for i = 3, #ARGV, 2 do
  wanted[ARGV[i]] = i
  reply[(i - 1) / 2] = 0
end
local index, last = tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[2])
while index < last do
  local step = math.min(100, last - index)
  local entries = redis.call('LRANGE', KEYS[1], index, index + step - 1)
  for k, entry in ipairs(entries) do
    local which = wanted[entry]
    if which then
      redis.call('LSET', KEYS[1], index + k - 1, ARGV[which + 1])
      reply[(which - 1) / 2] = reply[(which - 1) / 2] + 1
    end
  end
  if #entries < step then break end
  index = index + step
end
return reply
