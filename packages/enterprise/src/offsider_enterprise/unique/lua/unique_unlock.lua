-- unique_unlock: end a lock by hand, or because its holder is nowhere.
--
-- KEYS  1 unique-locks  2 unique-deadlines  3 unique-waiting
-- ARGV  1 digest  2 jid of the holder; empty for whoever holds it  3 ms of its last move, at most; empty for any
-- Returns the jid of who held it; empty when nobody did, or not that one any more.
--
-- Keeps: compare and delete: a lock that has another holder, or whose holder has moved meanwhile, is left alone.
local value = redis.call('HGET', KEYS[1], ARGV[1])
local jid, moved = '', 0
if value then jid, moved = string.match(value, '^([^\n]*)\n(%d+)\n') end
if value and ARGV[2] ~= '' and jid ~= ARGV[2] then return '' end
if value and ARGV[3] ~= '' and tonumber(moved) > tonumber(ARGV[3]) then return '' end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return jid or ''
