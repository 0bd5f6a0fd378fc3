-- delete_find: entries of a part of a queue that contain a text.
--
-- KEYS  1 queue:<name>  2 deletions:<name>
-- ARGV  1 text; every entry contains the empty one  2 index to begin at, from the end that is pushed to
--       3 most entries to look at  4 bytes after which it looks at no more
-- Returns a list: index after the last entry, 1 when that was the end of the queue else 0, how many were deleted
-- lately, then the entries.
--
-- Keeps: only looks, at a bounded part, and decides nothing: that is for who can decode a payload. An index does not
-- pass over an entry while others push, which moves it away, or take, which is at the other end; how many were deleted
-- before it is counted.
local text, index = ARGV[1], tonumber(ARGV[2])
local last, bytes = index + tonumber(ARGV[3]), tonumber(ARGV[4])
local reply = {index, 0, tonumber(redis.call('GET', KEYS[2]) or 0)}
local size, seen, chunk = 0, 0, 10
while index < last and size < bytes do
  local count = math.min(chunk, last - index)
  local entries = redis.call('LRANGE', KEYS[1], index, index + count - 1)
  for _, entry in ipairs(entries) do
    size = size + #entry
    if string.find(entry, text, 1, true) then reply[#reply + 1] = entry end
  end
  index, seen = index + #entries, seen + #entries
  if #entries < count then
    reply[2] = 1
    break
  end
  chunk = math.max(1, math.min(100, math.floor((bytes - size) * seen / math.max(1, size))))
end
reply[1] = index
return reply
