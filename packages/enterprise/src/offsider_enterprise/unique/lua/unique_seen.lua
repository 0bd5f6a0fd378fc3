-- unique_seen: the locks of the jobs in a part of one place.
--
-- KEYS  1 queue:<name>, a sorted set of jobs, or inflight:<owner>
-- ARGV  1 list, zset or hash  2 where to go on: an index from the end that is pushed to, or a cursor; 0 to begin
--       3 most entries to look at, of a list  4 bytes after which it looks at no more
-- Returns a list: where to go on, 0 at the end, then digests.
--
-- Keeps: only looks. No payload is decoded: a text in an argument that looks like a lock keeps that lock for longer,
-- and nothing else. Jobs move away from where the index comes from while others are pushed or taken.
local reply, size = {'0'}, 0
local function see(payload)
  size = size + #payload
  for digest in string.gmatch(payload, '"unique_lock"%s*:%s*"([%w_%-]+)"') do reply[#reply + 1] = digest end
end

if redis.call('TYPE', KEYS[1]).ok ~= ARGV[1] then return reply end
if ARGV[1] == 'list' then
  local index, last, most = tonumber(ARGV[2]), ARGV[2] + ARGV[3], tonumber(ARGV[4])
  while index < last and size < most do
    local page = redis.call('LRANGE', KEYS[1], index, index + 49)
    for _, payload in ipairs(page) do see(payload) end
    index = index + #page
    if #page < 50 then return reply end
  end
  reply[1] = string.format('%d', index)
  return reply
end
local page = redis.call(ARGV[1] == 'zset' and 'ZSCAN' or 'HSCAN', KEYS[1], ARGV[2], 'COUNT', 100)
reply[1] = page[1]
for k = ARGV[1] == 'zset' and 1 or 2, #page[2], 2 do see(page[2][k]) end
return reply
