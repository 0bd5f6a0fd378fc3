-- mark: a deploy, told once a label, however many machines tell it.
--
-- KEYS  1 marks of the day  2 deploylock-<label>
-- ARGV  1 minute  2 label  3 s for which it is told once  4 s for which marks are kept  5 most letters of one minute
-- Returns 1 when it was marked, 0 when this label was told before.
--
-- Keeps: the same label within a minute is one mark, and so is one that its minute has already. Another label of the
-- same minute stands behind the first. The first write is a growing one.
local told = redis.call('HGET', KEYS[1], ARGV[1])
if not redis.call('SET', KEYS[2], '1', 'EX', ARGV[3], 'NX') then return 0 end
if told and string.find(' + ' .. told .. ' + ', ' + ' .. ARGV[2] .. ' + ', 1, true) then return 0 end
local text = told and string.sub(told .. ' + ' .. ARGV[2], 1, tonumber(ARGV[5])) or ARGV[2]
redis.call('HSET', KEYS[1], ARGV[1], text)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
