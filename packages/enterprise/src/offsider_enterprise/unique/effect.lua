-- The lock of a unique job: taken in the script that pushes it, given back in the script that ends it.
--
-- keys  1 locks: digest → jid, ms of its last move, state, note; one to a line  2 deadlines: digest → ms
--       3 waiting: digest → payload, of a scheduled job that may be replaced  4 replaced: jid → ms, when it is forgotten
--       5 schedule
-- args  1 digest  2 jid  3 for how many ms; empty: as long as the job  4 until  5 policy  6 due ms; empty: now
--       7 delay in ms  8 state: w (waits, or runs), i (runs inline)  9 note
-- state r: a job that may be replaced has begun, and may not be any more.
--
-- Keeps: a lock has a holder and a deadline, and is only ever given back by its holder.
local NEVER, MONTH = '9007199254740991', 30 * 86400000
local types = {'hash', 'zset', 'hash', 'zset', 'zset'}
local ends = {done = true, discarded = true, dead = true, cancelled = true, deleted = true, quarantine = true}
local ran = {done = true, discarded = true, dead = true}
local unique = {}

local function held(c)
  local value = redis.call('HGET', c.keys[1], c.args[1])
  if value then return string.match(value, '^([^\n]*)\n(%d+)\n(%a)\n(.*)$') end
end

local function is_over(c)
  local deadline = redis.call('ZSCORE', c.keys[2], c.args[1])
  return not deadline or tonumber(deadline) <= c.now
end

local function may_replace(c)
  return c.args[5] == 'replace' or c.args[5] == 'debounce'
end

local function write(c, state, note)
  local value = c.args[2] .. '\n' .. string.format('%d', c.now) .. '\n' .. state .. '\n' .. note
  redis.call('HSET', c.keys[1], c.args[1], value)
end

local function extend(c)
  local deadline, now = NEVER, redis.call('ZSCORE', c.keys[2], c.args[1])
  if c.args[3] ~= '' then
    local due = c.now + tonumber(c.args[7])
    if c.args[6] ~= '' then due = math.max(c.now, tonumber(c.args[6])) end
    deadline = due + tonumber(c.args[3])
    if now and c.move ~= 'push' then deadline = math.max(deadline, tonumber(now)) end
    deadline = string.format('%d', deadline)
  end
  redis.call('ZADD', c.keys[2], deadline, c.args[1])
end

local function release(c)
  redis.call('HDEL', c.keys[1], c.args[1])
  redis.call('ZREM', c.keys[2], c.args[1])
  redis.call('HDEL', c.keys[3], c.args[1])
end

function unique.check(c)
  for k, key in ipairs(c.keys) do
    local shape = redis.call('TYPE', key).ok
    if shape ~= types[k] and shape ~= 'none' then
      return 'WRONGTYPE ' .. key .. ' is a ' .. shape .. ', expected a ' .. types[k]
    end
  end
end

function unique.admit(c)
  local jid, _, state = held(c)
  if not jid or jid == c.args[2] or is_over(c) then return nil end
  if may_replace(c) and state == 'w' then return nil end
  return jid
end

local function push(c)
  local jid, _, state = held(c)
  if jid and jid ~= c.args[2] and may_replace(c) and state == 'w' then
    local waiting = redis.call('HGET', c.keys[3], c.args[1])
    if not waiting or redis.call('ZREM', c.keys[5], waiting) == 0 then
      redis.call('ZADD', c.keys[4], string.format('%d', c.now + MONTH), jid)
    end
  end
  write(c, c.args[8], c.args[9])
  extend(c)
  if may_replace(c) and string.byte(c.place) == 64 then
    redis.call('HSET', c.keys[3], c.args[1], c.payload)
  else
    redis.call('HDEL', c.keys[3], c.args[1])
  end
end

local function ended(c, is_holder)
  -- A time that was bought by a run is not given back; who never ran has bought none.
  if is_holder and (c.args[4] ~= 'expiry' or not ran[c.move]) then release(c) end
  if may_replace(c) then redis.call('ZREM', c.keys[4], c.args[2]) end
end

function unique.run(c)
  if c.move == 'push' then return push(c) end
  local jid, _, _, note = held(c)
  local is_holder = jid == c.args[2]
  if ends[c.move] then return ended(c, is_holder) end
  if is_holder then
    write(c, 'w', note)
    if c.args[4] ~= 'expiry' then extend(c) end
    -- Given another time by hand, its payload is the same; else it is another one from here on.
    if c.args[6] == '' then redis.call('HDEL', c.keys[3], c.args[1]) end
  elseif c.move == 'queued' and c.args[4] ~= 'expiry' and (not jid or is_over(c)) then
    -- Out of the dead by hand: its lock was given back when it died.
    write(c, 'w', c.args[9])
    extend(c)
  end
end

return unique
