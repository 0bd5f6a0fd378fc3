-- leader_stand: lead, go on to lead, or hear who does.
--
-- KEYS  1 leader  2 dear-leader
-- ARGV  1 identity of the process  2 ms that a lease lasts
-- Returns {1 when this process leads, else 0, who leads, number of its term, ms left of its lease}
--
-- Keeps: one leader at a time, by the server's clock. Each term has a number that no term before it had; a lease that
-- has ended is never renewed: that is a new term. One that lies further ahead than it can was left by a clock that was
-- set back, and has ended. The first write is a HDEL: a full Redis does not end a term.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'holder', 'number', 'until', 'lease')
local holder, number = found[1], tonumber(found[2] or '0')
local left = tonumber(found[3] or '0') - now
if left > tonumber(found[4] or '0') then left = 0 end
if holder and left > 0 and holder ~= ARGV[1] then return {0, holder, number, left} end

redis.call('HDEL', KEYS[1], 'until')
if holder ~= ARGV[1] or left <= 0 then
  number = number + 1
  redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'number', number, 'since', now)
end
redis.call('HSET', KEYS[1], 'until', now + ARGV[2], 'lease', ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {1, ARGV[1], number, tonumber(ARGV[2])}
