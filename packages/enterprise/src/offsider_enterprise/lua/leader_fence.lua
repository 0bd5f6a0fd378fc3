-- leader_fence: what stands before a leader's write: the write is done while its term lasts, and not after it.
--
-- KEYS  1 leader  then those of the write
-- ARGV  1 identity of the process  2 number of its term  then those of the write
-- Returns {0} when the term is over, {1, what the write returns} else.
--
-- Keeps: a leader that was frozen, and was followed by another one, changes nothing any more. The write is put in at
-- the mark, when the script is made, and sees its own keys and arguments only.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local term = redis.call('HMGET', KEYS[1], 'holder', 'number', 'until')
if term[1] ~= ARGV[1] or term[2] ~= ARGV[2] or tonumber(term[3] or '0') <= now then return {0} end

local function write(KEYS, ARGV)
--WRITE--
end
return {1, write({unpack(KEYS, 2)}, {unpack(ARGV, 3)})}
